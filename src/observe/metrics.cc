#include "observe/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <utility>

#include "base/check.h"
#include "base/guarded.h"
#include "observe/process.h"

namespace freshet::observe {
namespace {

class RealCounter final : public Counter {
 public:
  explicit RealCounter(prometheus::Counter& counter) : counter_(counter) {}
  void add(double amount) override { counter_.Increment(amount); }

 private:
  prometheus::Counter& counter_;
};

class RealGauge final : public Gauge {
 public:
  explicit RealGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void set(double value) override { gauge_.Set(value); }

 private:
  prometheus::Gauge& gauge_;
};

using Key = std::pair<std::string, Labels>;

struct Known {
  std::map<Key, std::unique_ptr<RealCounter>> counters;
  std::map<Key, std::unique_ptr<RealGauge>> gauges;
};

// Never destroyed: threads may count while the process ends.
prometheus::Registry& registry() {
  static auto* instance = new prometheus::Registry;
  return *instance;
}
Guarded<Known>& known() {
  static auto* instance = new Guarded<Known>;
  return *instance;
}

// A name that Prometheus does not allow, or one name for a counter and a gauge, is our own bug.
template <typename Real, typename Builder>
std::unique_ptr<Real> register_metric(Builder builder, const std::string& name,
                                      const std::string& help, const Labels& labels) {
  try {
    return std::make_unique<Real>(builder.Name(name).Help(help).Register(registry()).Add(labels));
  } catch (const std::exception& refused) {
    check_failed(refused.what(), name.c_str(), 0);
  }
}

}  // namespace

Counter& counter(const std::string& name, const std::string& help, const Labels& labels) {
  return known().with([&](Known& all) -> Counter& {
    auto& found = all.counters[{name, labels}];
    if (!found) {
      found = register_metric<RealCounter>(prometheus::BuildCounter(), name, help, labels);
    }
    return *found;
  });
}

Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return known().with([&](Known& all) -> Gauge& {
    auto& found = all.gauges[{name, labels}];
    if (!found) found = register_metric<RealGauge>(prometheus::BuildGauge(), name, help, labels);
    return *found;
  });
}

std::string metrics_text() {
  measure_process();
  return prometheus::TextSerializer().Serialize(registry().Collect());
}

}  // namespace freshet::observe
