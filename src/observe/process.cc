#include "observe/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "base/guarded.h"
#include "observe/metrics.h"

namespace freshet::observe {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The kernel counts up by itself; a counter of ours takes what was added since.
void measure_cpu() {
  static Counter& cpu =
      counter("process_cpu_seconds_total", "User and system CPU time spent, in seconds.");
  static Guarded<double> counted;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return;
  const double now = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  counted.with([&](double& before) {
    if (now > before) cpu.add(now - before);
    before = now;
  });
}

void measure_memory() {
  static Gauge& resident = gauge("process_resident_memory_bytes", "Resident memory, in bytes.");
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> resident_pages;
  if (resident_pages == 0) return;
  resident.set(static_cast<double>(resident_pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
}

void count_entries(const char* folder, Gauge& gauge) {
  std::error_code failed;
  std::filesystem::directory_iterator entry(folder, failed);
  std::size_t entries = 0;
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    ++entries;
  }
  if (!failed) gauge.set(static_cast<double>(entries));
}

}  // namespace

void measure_process() {
  static Gauge& open_files = gauge("process_open_fds", "Open file descriptors.");
  static Gauge& threads = gauge("process_threads", "Threads.");
  measure_cpu();
  measure_memory();
  count_entries("/proc/self/fd", open_files);
  count_entries("/proc/self/task", threads);
}

}  // namespace freshet::observe
