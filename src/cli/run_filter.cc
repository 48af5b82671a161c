#include "cli/run_filter.h"

#include <algorithm>
#include <charconv>

#include "text/spelling.h"

namespace weir::cli {
namespace {

using text::Spelling;

/// "90m": so long before `now`. A number above a million years is none.
std::optional<Timestamp> before(Timestamp now, std::string_view text) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (error != std::errc() || count < 0) return std::nullopt;
  int64_t seconds = 0;
  if (unit == "s") seconds = 1;
  if (unit == "m") seconds = 60;
  if (unit == "h") seconds = 3600;
  if (unit == "d") seconds = 86'400;
  constexpr int64_t million_years_s = 1'000'000LL * 366 * 86'400;
  if (seconds == 0 || count > million_years_s / seconds) return std::nullopt;
  return now - std::min(std::chrono::seconds(count * seconds),
                        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()));
}

Result<ObjectRef> parse_object(const std::string& text) {
  // Not looked up in the project: a bucket that is gone may still have runs.
  const auto slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size()) {
    return fail(ErrorCode::usage, "--object '" + text + "' is no BUCKET/KEY",
                "for example --object landing/2017/a.json");
  }
  return ObjectRef{BucketName(text.substr(0, slash)), ObjectKey(text.substr(slash + 1))};
}

}  // namespace

Result<Timestamp> parse_moment(const std::string& option, const std::string& text, Timestamp now) {
  int64_t micros = 0;
  int32_t days = 0;
  if (text::parse_timestamptz(text, micros) == Spelling::ok ||
      text::parse_timestamp(text, micros) == Spelling::ok) {
    return Timestamp(std::chrono::microseconds(micros));
  }
  if (text::parse_date(text, days) == Spelling::ok) return Timestamp(std::chrono::days(days));
  if (const auto moment = before(now, text)) return *moment;
  return fail(ErrorCode::usage, option + " '" + text + "' is no moment",
              "write 2026-11-20, 2026-11-20T06:30:00Z, or how long ago: 90m, 24h, 7d");
}

Result<runlog::RunFilter> run_filter(const text::Json& args, Timestamp now) {
  runlog::RunFilter filter;
  // Not looked up in the project: a pipeline that is gone may still have runs.
  if (const std::string& pipeline = args["pipeline"].as_string(); !pipeline.empty()) {
    filter.pipeline = PipelineName(pipeline);
  }
  if (const std::string& state = args["state"].as_string(); !state.empty()) {
    filter.state = parse_run_state(state);
    if (!filter.state) {
      return fail(ErrorCode::usage, "there is no state '" + state + "'",
                  "states are queued running succeeded partial failed skipped parked");
    }
  }
  if (const std::string& object = args["object"].as_string(); !object.empty()) {
    filter.object = WEIR_TRY(parse_object(object));
  }
  if (const std::string& since = args["since"].as_string(); !since.empty()) {
    filter.since = WEIR_TRY(parse_moment("--since", since, now));
  }
  if (const std::string& until = args["until"].as_string(); !until.empty()) {
    filter.until = WEIR_TRY(parse_moment("--until", until, now));
  }
  filter.limit = static_cast<size_t>(std::max<int64_t>(args["limit"].as_int(50), 1));
  return filter;
}

}  // namespace weir::cli
