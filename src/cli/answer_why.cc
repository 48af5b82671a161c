#include "cli/answer.h"
#include "cli/frames.h"
#include "pipeline/why.h"

namespace weir::cli {
namespace {

using pipeline::RowHistory;
using pipeline::RowOrigin;

using Cell = std::optional<std::string>;

/// What is known about one origin, in the order in which people ask.
std::vector<std::pair<const char*, Cell>> facts(const RowOrigin& origin) {
  const auto text = [](const std::string& value) {
    return value.empty() ? std::nullopt : Cell(value);
  };
  const auto number = [](const std::optional<uint64_t>& value) {
    return value ? Cell(std::to_string(*value)) : std::nullopt;
  };
  return {{"object", text(origin.object)},
          {"line", number(origin.line)},
          {"element", number(origin.element)},
          {"record", text(origin.raw)},
          {"run", text(origin.run)},
          {"pipeline", text(origin.pipeline)},
          {"loaded_at", text(origin.loaded_at)},
          {"version", text(origin.version)},
          {"problem", text(origin.problem)},
          {"mended", text(origin.mended)},
          {"replayed_by", text(origin.replayed_by)},
          {"note", text(origin.note)}};
}

ResultColumn column_of(const std::string& name) {
  const bool number = name == "line" || name == "element";
  return {name, number ? "BIGINT" : name == "loaded_at" ? "TIMESTAMP" : "VARCHAR"};
}

/// For people: one fact per line, an empty line between rows of the table.
bool send_facts(const RowHistory& history, owner::FrameSink& sink) {
  if (!sink.send(columns_frame({{"what", "VARCHAR"}, {"", "VARCHAR"}}))) return false;
  RowFrames rows(sink);
  for (const RowOrigin& origin : history.origins) {
    if (&origin != &history.origins.front() && !rows.add({"", ""})) return false;
    for (const auto& [name, value] : facts(origin)) {
      if (value && !rows.add({name, value})) return false;
    }
  }
  return rows.flush();
}

bool send_rows(const RowHistory& history, owner::FrameSink& sink) {
  std::vector<ResultColumn> columns;
  for (const auto& [name, value] : facts({})) columns.push_back(column_of(name));
  if (!sink.send(columns_frame(columns))) return false;
  RowFrames rows(sink);
  for (const RowOrigin& origin : history.origins) {
    TableRow row;
    for (auto& [name, value] : facts(origin)) row.push_back(value);
    if (!rows.add(row)) return false;
  }
  return rows.flush();
}

}  // namespace

Result<void> answer_why(const text::Json& args, Services& services, owner::FrameSink& sink) {
  std::vector<std::string> key;
  for (const text::Json& value : args["key"].as_array()) key.push_back(value.as_string());
  const std::string& table = args["table"].as_string();
  RowHistory history = WEIR_TRY(
      pipeline::trace_row(services.project(), *WEIR_TRY(services.resources()), table, key));
  if (!history.lineage) {
    for (RowOrigin& origin : history.origins) {
      origin.note =
          "may be the one: table '" + table + "' does not say which (lineage: true would)";
    }
  }
  const bool sent = args["facts"].as_bool() ? send_facts(history, sink) : send_rows(history, sink);
  static_cast<void>(sent);  // nothing is left to do when nobody reads
  return {};
}

}  // namespace weir::cli
