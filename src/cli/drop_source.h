// `freshet drop-source`: removes what Freshet has on a source, and says each thing.
#pragma once

#include <string>

namespace freshet::cli {

struct DropSourceFlags {
  std::string source;  // [NAME=]URL, or a NAME of the settings file
  std::string data;
  std::string config;
  bool dry_run = false;
  bool force = false;
};

// 0: nothing of it is left (or, with --dry-run, it was listed); 1: refused, or something is left;
// 2: the source or the folder could not be reached, or was not understood.
int drop_source(const DropSourceFlags& flags);

}  // namespace freshet::cli
