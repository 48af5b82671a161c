#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "cli/answer.h"
#include "cli/frames.h"
#include "cli/run_receipt.h"

namespace weir::cli {
namespace {

using text::Json;

/// Lines of all runs that one request looks at, at most.
constexpr size_t most_lines = 10'000;

/// A line as it is shown: of a run's log, or what its row in the run log says.
struct ToldLine {
  Timestamp time{};
  std::string level;
  std::string message;
  std::string fields = {};  ///< a JSON object, or empty
};

int rank(std::string_view level) {
  for (const log::Level each : {log::Level::debug, log::Level::info, log::Level::warning}) {
    if (log::to_string(each) == level) return static_cast<int>(each);
  }
  return static_cast<int>(log::Level::error);
}

/// What one request asks for, and how far the one before it came.
struct Asked {
  int least_rank = 0;
  size_t limit = 50;
  int64_t after = -1;                  ///< line; -1: the first request
  std::vector<std::string> told = {};  ///< of the run's own story
};

Result<Asked> asked_of(const Json& args) {
  Asked asked;
  if (const std::string& level = args["level"].as_string(); !level.empty()) {
    asked.least_rank = rank(level);
    if (level != log::to_string(static_cast<log::Level>(asked.least_rank))) {
      return fail(ErrorCode::usage, "there is no level '" + level + "'",
                  "levels are debug, info, warning and error");
    }
  }
  asked.limit = static_cast<size_t>(
      std::clamp<int64_t>(args["limit"].as_int(50), 1, static_cast<int64_t>(most_lines)));
  const Json& cursor = args["cursor"];
  asked.after = cursor["line"].as_int(-1);
  for (const Json& key : cursor["told"].as_array()) asked.told.push_back(key.as_string());
  return asked;
}

Json cursor_frame(int64_t line, const std::vector<std::string>& told, bool ended) {
  Json keys = Json::array();
  for (const std::string& key : told) keys.push(key);
  return Json::object()
      .set("frame", "cursor")
      .set("cursor", Json::object().set("line", line).set("told", std::move(keys)))
      .set("ended", ended);
}

bool is_over(RunState state) { return state != RunState::queued && state != RunState::running; }

std::string_view level_of(RunState state) {
  if (state == RunState::failed || state == RunState::parked) return "error";
  return state == RunState::partial ? "warning" : "info";
}

std::string verdict(const Run& run) {
  const RowCounts rows = receipt_of_run(run).rows;
  std::string text(to_string(run.state));
  if (run.state == RunState::parked) text += ", and waits for a person: weir retry";
  if (rows.read > 0) {
    text += fmt::format(": {} rows read, {} loaded, {} rejected", rows.read, rows.loaded(),
                        rows.rejected);
  }
  return text;
}

/// What the run's row says of it, so that it need not be stored once more for each run. Adds what
/// is told now to `told`.
std::vector<ToldLine> own_story(const Run& run, std::vector<std::string>& told) {
  std::vector<ToldLine> lines;
  const auto tell = [&](std::string key, Timestamp time, std::string_view level,
                        std::string message) {
    if (std::ranges::find(told, key) != told.end()) return;
    told.push_back(std::move(key));
    lines.push_back({time, std::string(level), std::move(message)});
  };
  tell(
      "queued", run.created, "info",
      fmt::format("queued by {}{}", run.trigger, run.object ? ": " + run.object->to_string() : ""));
  if (run.started && run.tries > 0) {
    tell(fmt::format("started {}", run.tries), *run.started, "info",
         run.tries > 1 ? fmt::format("started, try {}", run.tries) : "started");
  }
  if (is_over(run.state) && run.finished) {
    tell(fmt::format("{} {}", to_string(run.state), format_timestamp(*run.finished)), *run.finished,
         level_of(run.state), verdict(run));
  }
  return lines;
}

/// Sends lines that are important enough.
class LineSender {
 public:
  LineSender(owner::FrameSink& sink, int least_rank) : rows_(sink), least_rank_(least_rank) {
    sink.send(columns_frame({{"time", "TIMESTAMP"},
                             {"level", "VARCHAR"},
                             {"run", "VARCHAR"},
                             {"pipeline", "VARCHAR"},
                             {"message", "VARCHAR"},
                             {"fields", "VARCHAR"}}));
  }
  void send(const ToldLine& line, const RunId& run, const std::string& pipeline) {
    if (rank(line.level) < least_rank_) return;
    rows_.add({format_timestamp(line.time), line.level, run.value(), pipeline, line.message,
               line.fields.empty() ? std::nullopt : std::optional(line.fields)});
  }
  void flush() { rows_.flush(); }

 private:
  RowFrames rows_;
  const int least_rank_;
};

Result<void> send_run(const std::string& id, Asked asked, runlog::RunLog& log,
                      owner::FrameSink& sink) {
  // The lines first: what the row says later is then never behind them.
  const auto stored = WEIR_TRY(log.log_lines(RunId(id), std::max<int64_t>(asked.after, 0)));
  const auto run = WEIR_TRY(log.find(RunId(id)));
  if (!run) {
    return fail(ErrorCode::usage, "there is no run '" + id + "'", "`weir runs` lists them");
  }
  std::vector<ToldLine> lines = own_story(*run, asked.told);
  int64_t line = std::max<int64_t>(asked.after, 0);
  for (const runlog::LogLine& each : stored) {
    lines.push_back({each.time, each.level, each.message, each.fields});
    line = std::max(line, each.line);
  }
  // The verdict comes last, whatever the clock did.
  std::ranges::stable_sort(lines, {}, &ToldLine::time);
  LineSender sender(sink, asked.least_rank);
  for (const ToldLine& each : lines) sender.send(each, run->id, run->pipeline.value());
  sender.flush();
  sink.send(cursor_frame(line, asked.told, is_over(run->state)));
  return {};
}

Result<void> send_newest(const Asked& asked, runlog::RunLog& log, owner::FrameSink& sink) {
  auto lines = asked.after < 0
                   ? WEIR_TRY(log.newest_log_lines(asked.least_rank > 0 ? most_lines : asked.limit))
                   : WEIR_TRY(log.all_log_lines(asked.after, most_lines));
  int64_t last = std::max<int64_t>(asked.after, 0);
  for (const runlog::LogLine& line : lines) last = std::max(last, line.line);
  std::erase_if(lines, [&](const auto& line) { return rank(line.level) < asked.least_rank; });
  if (asked.after < 0 && lines.size() > asked.limit) {
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(asked.limit));
  }
  LineSender sender(sink, asked.least_rank);
  std::map<RunId, std::string> pipelines;
  for (const runlog::LogLine& line : lines) {
    const auto [found, added] = pipelines.try_emplace(line.run);
    if (added) {
      if (const auto run = WEIR_TRY(log.find(line.run))) found->second = run->pipeline.value();
    }
    sender.send({line.time, line.level, line.message, line.fields}, line.run, found->second);
  }
  sender.flush();
  sink.send(cursor_frame(last, {}, false));
  return {};
}

}  // namespace

Result<void> answer_logs(const Json& args, Services& services, owner::FrameSink& sink) {
  runlog::RunLog& log = *WEIR_TRY(services.run_log());
  const Asked asked = WEIR_TRY(asked_of(args));
  const std::string& run = args["run"].as_string();
  return run.empty() ? send_newest(asked, log, sink) : send_run(run, asked, log, sink);
}

}  // namespace weir::cli
