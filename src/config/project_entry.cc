#include "config/project_entry.h"

namespace weir::config {
namespace {

Value<ProjectEntry> describe() {
  return Record<ProjectEntry>("project",
                              "The project file, weir.yaml. An overlay weir.ENV.yaml is "
                              "laid over it with `--env ENV`: maps merge, lists replace, "
                              "null deletes.")
      .required("project", &ProjectEntry::project, text_value("a name"), "The project's name.",
                "web-analytics")
      .optional("memory", &ProjectEntry::memory, size_value(least_memory_bytes, 0),
                "The bound on the memory weir uses, whatever the size of the files.", "1GB")
      .optional("history", &ProjectEntry::history, history_value(),
                "How much of what has happened stays in the run log.", "{keep: 30d, runs: 100000}")
      .optional("network", &ProjectEntry::network, network_value(),
                "Where `download`, `notify` and `traces` may connect to.",
                "{allow: [example.org, 10.0.0.0/8]}")
      .optional(
          "databases", &ProjectEntry::databases, named(identifier("database"), database_value()),
          "Where tables live. duckdb:// paths are relative to the project's folder; in quotes, "
          "\"duckdb://:memory:\" is a database that is gone at the end.",
          "{warehouse: duckdb://warehouse.duckdb}")
      .optional("buckets", &ProjectEntry::buckets, named(identifier("bucket"), bucket_value()),
                "Where objects live. file:// folders are relative to the project's folder. (s3 and "
                "gs are not there yet: a run refuses.)",
                "{landing: file://landing}")
      .optional("tables", &ProjectEntry::tables, named(identifier("table"), table_value()),
                "The data dictionary.", "{hits: {in: warehouse, columns: {id: bigint | key}}}")
      .optional("pipelines", &ProjectEntry::pipelines,
                named(identifier("pipeline"), pipeline_value()), "How objects become rows.",
                "{load: {steps: [{sql: SELECT 1 AS id, in: warehouse}, {load: {table: hits}}]}}")
      .optional("log", &ProjectEntry::log, log_value(),
                "The log of `weir up`: its level, its form, its file.",
                "{level: info, format: json, file: log/weir.log}")
      .optional("admin", &ProjectEntry::admin, admin_value(),
                "Where `weir up` answers monitoring: /metrics, /healthz, /readyz. Left out: "
                "nowhere, unless `--admin-port` says so.",
                "9464")
      .optional("api", &ProjectEntry::api, api_value(),
                "The HTTP API of `weir up`: plans, tables, queries. Left out: none, unless "
                "`--port` says so.",
                "{rows: {hits: {max_rows: 1000}}}")
      .optional("traces", &ProjectEntry::traces, traces_value(),
                "Where `weir up` sends OpenTelemetry traces of requests and runs. Left out: "
                "nowhere.",
                "{url: \"http://127.0.0.1:4318/v1/traces\", sample: 10%}")
      .later("reports", &ProjectEntry::later, later_value("a map"), "Charts over queries.",
             "{traffic: {charts: []}}")
      .optional("tests", &ProjectEntry::tests, named(any_name("test"), test_value()),
                "Cases for pipelines: what is given, what is expected. `weir test` runs them.",
                "{loads: {pipeline: load, expect: {receipt: {status: succeeded}}}}")
      .value();
}

}  // namespace

const Value<ProjectEntry>& project_value() {
  static const Value<ProjectEntry> value = describe();
  return value;
}

}  // namespace weir::config
