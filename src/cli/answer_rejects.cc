#include <algorithm>

#include "cli/answer.h"
#include "cli/frames.h"
#include "cli/rejected_run.h"
#include "pipeline/mend_export.h"

namespace weir::cli {
namespace {

using pipeline::RejectedRun;
using pipeline::Rejects;
using pipeline::StoredReject;

std::optional<std::string> text_or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

/// All runs with rejects, and how many.
Result<void> list_runs(const text::Json& args, pipeline::Resources& resources,
                       owner::FrameSink& sink) {
  if (!sink.send(columns_frame({{"run", "VARCHAR"},
                                {"pipeline", "VARCHAR"},
                                {"table", "VARCHAR"},
                                {"object", "VARCHAR"},
                                {"rejected_at", "TIMESTAMP"},
                                {"unresolved", "BIGINT"},
                                {"resolved", "BIGINT"},
                                {"rolled_back", "BOOLEAN"}}))) {
    return {};
  }
  RowFrames rows(sink);
  const auto all = WEIR_TRY(pipeline::rejected_runs(resources));
  for (const RejectedRun& run : all.runs) {
    if (run.unresolved == 0 && !args["resolved"].as_bool()) continue;
    if (!rows.add({run.run.value(), run.pipeline.value(), run.table.value(),
                   run.object ? std::optional(run.object->to_string()) : std::nullopt,
                   run.rejected_at, std::to_string(run.unresolved), std::to_string(run.resolved),
                   run.rolled_back ? "true" : "false"})) {
      return {};
    }
  }
  rows.flush();
  return all.complete();
}

Rejects which(const text::Json& args) {
  if (args["all"].as_bool()) return Rejects::all;
  return args["resolved"].as_bool() ? Rejects::resolved : Rejects::unresolved;
}

// Below a run without an id is one that left no rejects.

/// The rejects of one run, to look at.
Result<void> list_rejects(const RejectedRun& run, Rejects which, pipeline::Resources& resources,
                          owner::FrameSink& sink) {
  std::vector<ResultColumn> columns = {{pipeline::reject_column, "BIGINT"},
                                       {"element", "BIGINT"},
                                       {"line", "BIGINT"},
                                       {"problem", "VARCHAR"},
                                       {"record", "VARCHAR"}};
  if (which != Rejects::unresolved) {
    columns.insert(
        columns.end(),
        {{"resolution", "VARCHAR"}, {"resolved_at", "TIMESTAMP"}, {"resolved_by", "VARCHAR"}});
  }
  if (!sink.send(columns_frame(columns))) return {};
  RowFrames rows(sink);
  if (run.run.value().empty()) return {};
  const auto target = WEIR_TRY(pipeline::open_target(*resources.databases, run.database));
  WEIR_TRY(pipeline::for_each_reject(
      *target.sql, run.run, which, [&](const StoredReject& reject) -> Result<bool> {
        const std::string& shown = !reject.mended.empty()     ? reject.mended
                                   : !reject.produced.empty() ? reject.produced
                                                              : reject.raw;
        TableRow row = {std::to_string(reject.id), std::to_string(reject.element),
                        reject.line ? std::optional(std::to_string(*reject.line)) : std::nullopt,
                        pipeline::problem_text(reject.problems), shown};
        if (which != Rejects::unresolved) {
          for (const std::string* text :
               {&reject.resolution, &reject.resolved_at, &reject.resolved_by}) {
            row.push_back(text_or_null(*text));
          }
        }
        return rows.add(row);
      }));
  rows.flush();
  return {};
}

Result<void> dismiss(const RejectedRun& run, pipeline::Resources& resources, const Clock& clock,
                     owner::FrameSink& sink) {
  sink.send(columns_frame({{"run", "VARCHAR"}, {"dismissed", "BIGINT"}}));
  if (run.run.value().empty()) return {};
  const uint64_t dismissed = WEIR_TRY(pipeline::dismiss_rejects(resources, run, clock.now()));
  RowFrames rows(sink);
  if (rows.add({run.run.value(), std::to_string(dismissed)})) rows.flush();
  return {};
}

/// The file to mend, in pieces of some size.
Result<void> send_mend_file(const RejectedRun& run, pipeline::MendFormat format, Services& services,
                            pipeline::Resources& resources, owner::FrameSink& sink) {
  constexpr size_t piece_bytes = 128 * 1024;
  std::string piece;
  const auto write = [&](const std::string& text) {
    piece += text;
    return piece.size() < piece_bytes || sink.send(text_frame(std::exchange(piece, {})));
  };
  if (run.run.value().empty()) {
    pipeline::MendWriter writer(format, {}, write);
    if (writer.begin()) writer.end();
  } else {
    WEIR_TRY(pipeline::export_rejects(services.project(), resources, run, format, write));
  }
  sink.send(text_frame(piece));
  return {};
}

}  // namespace

Result<void> answer_rejects(const text::Json& args, Services& services, owner::FrameSink& sink) {
  pipeline::Resources& resources = *WEIR_TRY(services.resources());
  const std::string& word = args["run"].as_string();
  if (word.empty()) return list_runs(args, resources, sink);
  const auto found = WEIR_TRY(find_rejected_run(word, services));
  const RejectedRun run = found ? *found : RejectedRun{};
  if (args["dismiss"].as_bool()) return dismiss(run, resources, services.clock(), sink);
  const std::string& format = args["mend"].as_string();
  if (format.empty()) return list_rejects(run, which(args), resources, sink);
  return send_mend_file(run,
                        format == "json" ? pipeline::MendFormat::json : pipeline::MendFormat::csv,
                        services, resources, sink);
}

}  // namespace weir::cli
