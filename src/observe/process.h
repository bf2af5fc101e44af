// What this process takes from the machine, as metrics under the names every Prometheus dashboard
// knows: process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds,
// process_threads. Read from /proc; a value that cannot be read keeps its last one.
#pragma once

namespace freshet::observe {

// Called before the metrics are shown.
void measure_process();

}  // namespace freshet::observe
