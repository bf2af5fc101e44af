// A diagnosis as text for people, and as JSON for programs.
#pragma once

#include <string>

#include "source/doctor.h"

namespace freshet::cli {

struct Examined {
  std::string url;  // without password
  std::string source_name;
  source::Diagnosis diagnosis;
};

// The worst first. Long lists of findings of one check are cut, JSON has them all.
std::string doctor_text(const Examined& examined, bool colours);

// One object; its keys are described in docs/operating/doctor.md.
std::string doctor_json(const Examined& examined);

// 0, 1, 2 by the worst finding.
int exit_code(source::Severity worst);

}  // namespace freshet::cli
