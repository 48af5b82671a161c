#include "pipeline/run_variables.h"

#include <fmt/format.h>

#include <span>
#include <string_view>
#include <utility>

#include "calendar/schedule.h"

namespace weir::pipeline {
namespace {

constexpr std::string_view run_day_stand_in = "CAST('1970-01-01' AS DATE) /*weir_run_day*/";
constexpr std::string_view run_scheduled_for_stand_in =
    "CAST('1970-01-01T00:00:00Z' AS TIMESTAMPTZ) /*weir_run_scheduled_for*/";

std::string replace_all(std::string text,
                        std::span<const std::pair<std::string_view, std::string_view>> pairs) {
  for (const auto& [from, to] : pairs) {
    for (size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

}  // namespace

Result<calendar::Zone> zone_of(const Pipeline& pipeline) {
  for (const Trigger& trigger : pipeline.triggers) {
    const auto* cron = std::get_if<CronTrigger>(&trigger);
    if (cron != nullptr && !cron->timezone.empty()) return calendar::Zone::find(cron->timezone);
  }
  return calendar::Zone();
}

Result<std::chrono::sys_days> run_day(const Pipeline& pipeline, Timestamp scheduled_for) {
  return calendar::day_closed(WEIR_TRY(zone_of(pipeline)), scheduled_for);
}

std::string stand_in_run_variables(const std::string& sql) {
  const std::pair<std::string_view, std::string_view> variables[] = {
      {"${run.day}", run_day_stand_in}, {"${run.scheduled_for}", run_scheduled_for_stand_in}};
  return replace_all(sql, variables);
}

int offset_before_stand_in(const std::string& sql, int offset) {
  const std::pair<std::string_view, std::string_view> variables[] = {
      {"${run.day}", run_day_stand_in}, {"${run.scheduled_for}", run_scheduled_for_stand_in}};
  int shift = 0;
  for (size_t at = sql.find("${run."); at != std::string::npos; at = sql.find("${run.", at + 1)) {
    for (const auto& [from, to] : variables) {
      if (!sql.substr(at).starts_with(from)) continue;
      const int begin = static_cast<int>(at) + shift;
      if (offset < begin) return offset - shift;
      if (offset < begin + static_cast<int>(to.size())) return static_cast<int>(at);
      shift += static_cast<int>(to.size()) - static_cast<int>(from.size());
    }
  }
  return offset - shift;
}

std::string bind_run_variables(const std::string& sql) {
  const std::pair<std::string_view, std::string_view> variables[] = {
      {run_day_stand_in, "CAST($weir_run_day AS DATE)"},
      {run_scheduled_for_stand_in, "CAST($weir_run_scheduled_for AS TIMESTAMPTZ)"}};
  return replace_all(sql, variables);
}

bool holds_run_variables(const std::string& sql) {
  return sql.find("$weir_run_day") != std::string::npos ||
         sql.find("$weir_run_scheduled_for") != std::string::npos;
}

Result<std::vector<duckdb::Parameter>> run_parameters(
    const Pipeline& pipeline, Timestamp scheduled_for, size_t count,
    const std::function<size_t(const std::string& name)>& index_of) {
  std::vector<duckdb::Parameter> values(count);
  const duckdb::TimestampValue moment{scheduled_for.time_since_epoch().count()};
  if (const size_t index = index_of("weir_run_scheduled_for"); index > 0) {
    values[index - 1] = moment;
  }
  if (const size_t index = index_of("weir_run_day"); index > 0) {
    const auto day = WEIR_TRY(run_day(pipeline, scheduled_for));
    values[index - 1] = duckdb::DateValue{static_cast<int32_t>(day.time_since_epoch().count())};
  }
  return values;
}

Result<std::vector<duckdb::Parameter>> run_parameters(const duckdb::Statement& statement,
                                                      const Pipeline& pipeline,
                                                      Timestamp scheduled_for) {
  return run_parameters(pipeline, scheduled_for, statement.parameter_count(),
                        [&](const std::string& name) { return statement.parameter_index(name); });
}

Result<std::string> fill_run_variables(std::string text, const Pipeline& pipeline,
                                       Timestamp scheduled_for) {
  if (text.find("${run.") == std::string::npos) return text;
  const std::chrono::year_month_day day = WEIR_TRY(run_day(pipeline, scheduled_for));
  const std::string day_text =
      fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                  static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  const std::string moment_text = format_timestamp(scheduled_for).substr(0, 19) + "Z";
  const std::pair<std::string_view, std::string_view> variables[] = {
      {"${run.day}", day_text}, {"${run.scheduled_for}", moment_text}};
  return replace_all(std::move(text), variables);
}

}  // namespace weir::pipeline
