#include "metrics/descriptions.h"

#include <prometheus/metric_family.h>

#include <array>

#include "base/check.h"

namespace weir::metrics {
namespace {

constexpr std::array descriptions_table = {
    Description{"weir_runs_total", "counter", "pipeline, state",
                "Runs that have ended, by the state they ended in: succeeded, partial, skipped, "
                "failed or parked."},
    Description{"weir_run_retries_total", "counter", "pipeline",
                "Tries of runs that failed and are repeated."},
    Description{"weir_run_duration_seconds", "histogram", "pipeline",
                "How long runs that have ended were worked on, at their last try."},
    Description{"weir_arrival_to_commit_seconds", "histogram", "pipeline",
                "From the moment an object's arrival was queued to the commit of its rows."},
    Description{"weir_last_success_timestamp_seconds", "gauge", "pipeline",
                "When a run of the pipeline last succeeded, loaded in part or found nothing new; "
                "seconds since 1970. 0: not since weir started."},
    Description{"weir_rows_total", "counter", "pipeline, counter",
                "Rows by what became of them: the counters of the receipts."},
    Description{"weir_rejected_rows_total", "counter", "pipeline, rule",
                "Rejected rows by the first rule they broke."},
    Description{"weir_schedule_lateness_seconds", "histogram", "pipeline",
                "From the time a schedule had set to the start of its run."},
    Description{"weir_downloaded_bytes_total", "counter", "pipeline",
                "Bytes that download steps have received."},
    Description{"weir_queued_runs", "gauge", "", "Runs in the queue, the held ones among them."},
    Description{"weir_held_runs", "gauge", "", "Queued runs that wait for their next try."},
    Description{"weir_running_runs", "gauge", "", "Runs that are being executed."},
    Description{"weir_parked_runs", "gauge", "", "Runs that failed and wait for a person."},
    Description{"weir_notices_waiting", "gauge", "", "Notices that are not delivered yet."},
    Description{"weir_breaker_open", "gauge", "database",
                "1 while a database does not answer and its runs wait."},
    Description{"weir_api_requests_total", "counter", "route, method, status",
                "Requests by the class of their answer's status: 2xx, 4xx, 5xx."},
    Description{"weir_api_request_duration_seconds", "histogram", "route",
                "From the moment a request was read to its answer; of a streamed one, to its "
                "beginning."},
    Description{"weir_api_refused_total", "counter", "reason",
                "Requests that were turned away (429, 503), by the problem's code."},
    Description{"weir_api_rows_total", "counter", "table, outcome",
                "Rows of requests by what became of them: inserted, updated, unchanged, "
                "deduplicated, filtered, rejected or replaced. Dry runs do not count."},
    Description{"weir_api_rejected_rows_total", "counter", "table, rule",
                "Rejected rows of requests by the first rule they broke."},
    Description{"weir_api_commit_requests", "histogram", "", "Requests that shared a commit."},
    Description{"weir_api_waiting_requests", "gauge", "table",
                "Requests with rows that are not answered yet."},
    Description{"weir_api_waiting_bytes", "gauge", "table", "Bytes of their bodies."},
    Description{"weir_api_connections", "gauge", "", "Open connections of the API."},
    Description{"weir_api_connections_cut_total", "counter", "reason",
                "Connections of the API that were ended for a limit: head_time, body_time, "
                "idle_time, write_time, too_long, malformed or crowded."},
    Description{"weir_trace_spans_total", "counter", "outcome",
                "Spans of traces: sent to the collector, dropped because too many waited, or "
                "failed because it did not take them."},
    Description{"weir_ready", "gauge", "", "1 while /readyz says that weir is ready."},
    Description{"weir_state_free_bytes", "gauge", "",
                "Free space on the disk that holds the run log."},
    Description{"weir_build_info", "gauge", "version", "Always 1: the version that runs."},
    Description{"process_cpu_seconds_total", "counter", "",
                "Processor time this process has used."},
    Description{"process_resident_memory_bytes", "gauge", "", "Resident memory."},
    Description{"process_virtual_memory_bytes", "gauge", "", "Virtual memory."},
    Description{"process_open_fds", "gauge", "", "Open file descriptors."},
    Description{"process_max_fds", "gauge", "", "Most file descriptors this process may have."},
    Description{"process_threads", "gauge", "", "Threads."},
    Description{"process_start_time_seconds", "gauge", "",
                "When this process started, in seconds since 1970."},
};

prometheus::MetricType type_of(std::string_view type) {
  if (type == "counter") return prometheus::MetricType::Counter;
  return type == "gauge" ? prometheus::MetricType::Gauge : prometheus::MetricType::Histogram;
}

}  // namespace

std::span<const Description> descriptions() { return descriptions_table; }

const Description& description_of(std::string_view name) {
  for (const Description& each : descriptions_table) {
    if (each.name == name) return each;
  }
  WEIR_CHECK(false, "every metric is described");
}

prometheus::MetricFamily& add_family(Families& families, std::string_view name) {
  const Description& description = description_of(name);
  prometheus::MetricFamily& family = families.emplace_back();
  family.name = description.name;
  family.help = description.help;
  family.type = type_of(description.type);
  return family;
}

}  // namespace weir::metrics
