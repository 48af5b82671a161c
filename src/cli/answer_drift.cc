#include <fmt/format.h>

#include "cli/answer.h"
#include "cli/frames.h"
#include "model/project_lookup.h"
#include "pipeline/find_drift.h"

namespace weir::cli {
namespace {

Result<std::optional<TableName>> chosen_table(const Project& project, const std::string& name) {
  if (name.empty()) return std::optional<TableName>();
  return WEIR_TRY(named_table(project, name))->name;
}

std::optional<std::string> or_null(std::string text) {
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

TableRow row_of(const Table& table, const pipeline::Difference& found) {
  const bool harmless = found.effect == pipeline::DriftEffect::none;
  return {table.name.value(),
          or_null(found.column),
          std::string(to_string(found.kind)),
          std::string(to_string(found.effect)),
          or_null(found.wanted),
          or_null(found.found),
          found.message,
          harmless ? std::nullopt : std::optional(std::string(to_string(found.mending))),
          or_null(fmt::format("{}", fmt::join(found.ddl, "; "))),
          std::to_string(found.rows),
          or_null(found.example),
          or_null(found.fix)};
}

}  // namespace

Result<void> answer_drift(const text::Json& args, Services& services, owner::FrameSink& sink) {
  const auto only = WEIR_TRY(chosen_table(services.project(), args["table"].as_string()));
  pipeline::Resources& resources = *WEIR_TRY(services.resources());
  const auto drifts = WEIR_TRY(
      pipeline::find_drift(services.project(), resources, only,
                           args["apply"].as_bool() ? pipeline::Apply::yes : pipeline::Apply::no));
  if (!sink.send(columns_frame({{"table", "VARCHAR"},
                                {"column", "VARCHAR"},
                                {"difference", "VARCHAR"},
                                {"effect", "VARCHAR"},
                                {"project", "VARCHAR"},
                                {"database", "VARCHAR"},
                                {"message", "VARCHAR"},
                                {"mending", "VARCHAR"},
                                {"ddl", "VARCHAR"},
                                {"rows", "BIGINT"},
                                {"example", "VARCHAR"},
                                {"fix", "VARCHAR"}}))) {
    return {};
  }
  RowFrames rows(sink);
  int64_t drifted = 0;
  for (const pipeline::TableDrift& drift : drifts) {
    if (drift.any()) ++drifted;
    for (const pipeline::Difference& found : drift.differences) {
      if (!rows.add(row_of(*drift.table, found))) return {};
    }
  }
  rows.flush();
  sink.send(text::Json::object()
                .set("frame", "drift")
                .set("tables", static_cast<int64_t>(drifts.size()))
                .set("drifted", drifted));
  return {};
}

}  // namespace weir::cli
