// `freshet doctor`: examines a source and prints what was found, for people or as JSON.
#pragma once

#include <string>
#include <vector>

namespace freshet::cli {

struct DoctorFlags {
  std::string url;
  std::string source_name;  // empty: the database's name
  std::vector<std::string> tables;
  std::string protocol = "auto";
  bool json = false;
};

// 0: nothing, or information only; 1: warnings; 2: something blocks, or it could not be examined.
int run_doctor(const DoctorFlags& flags);

}  // namespace freshet::cli
