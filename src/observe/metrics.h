// Metrics, in the Prometheus sense; narrow on purpose: includes nothing of its backend.
// Names: freshet_<module>_<noun>_<unit>. A counter or gauge is found once and kept by reference.
#pragma once

#include <map>
#include <string>

namespace freshet::observe {

using Labels = std::map<std::string, std::string>;

// Thread safe; live until the process ends.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(double amount = 1) = 0;
};
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
};

Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});

// All of them in the text exposition format.
std::string metrics_text();

}  // namespace freshet::observe
