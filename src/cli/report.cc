#include "cli/report.h"

#include <cstdio>

namespace freshet::cli {

void report(const Error& error) {
  std::string text = "freshet: " + error.message + "\n";
  if (!error.detail.empty()) text += "  " + error.detail + "\n";
  if (!error.hint.empty()) text += "  " + error.hint + "\n";
  std::fputs(text.c_str(), stderr);
}

}  // namespace freshet::cli
