#include "cli/frames.h"

#include "text/receipt_json.h"

namespace weir::cli {
namespace {

using text::Json;

constexpr size_t frame_rows = 500;
constexpr size_t frame_bytes = 256 * 1024;

Json frame_of(const char* kind) {
  Json frame = Json::object();
  frame.set("frame", kind);
  return frame;
}

uint64_t count_of(const Json& json) {
  const int64_t value = json.as_int();
  return value < 0 ? 0 : static_cast<uint64_t>(value);
}

}  // namespace

Json accepted_frame(const std::vector<RunId>& runs) {
  Json ids = Json::array();
  for (const RunId& run : runs) ids.push(run.value());
  return frame_of("accepted").set("runs", std::move(ids));
}

Json progress_frame(const RunsProgress& progress) {
  Json frame = frame_of("progress");
  frame.set("done", progress.done).set("total", progress.total).set("run", progress.run.value());
  frame.set("bytes_read", progress.bytes_read).set("bytes_total", progress.bytes_total);
  frame.set("rows_read", progress.rows_read);
  return frame;
}

Json receipt_frame(const Receipt& receipt) {
  return frame_of("receipt").set("receipt", text::to_json(receipt));
}

Json left_frame(const RejectsLeft& left) {
  return frame_of("left").set("run", left.run.value()).set("rejects", left.rejects);
}

Json text_frame(std::string text) { return frame_of("text").set("text", std::move(text)); }

Json columns_frame(const std::vector<ResultColumn>& columns) {
  Json list = Json::array();
  for (const ResultColumn& column : columns) {
    list.push(Json::object().set("name", column.name).set("type", column.type));
  }
  return frame_of("columns").set("columns", std::move(list));
}

std::vector<RunId> accepted_runs(const Json& frame) {
  std::vector<RunId> runs;
  for (const Json& run : frame["runs"].as_array()) runs.emplace_back(run.as_string());
  return runs;
}

RunsProgress progress_of(const Json& frame) {
  RunsProgress progress;
  progress.done = count_of(frame["done"]);
  progress.total = count_of(frame["total"]);
  progress.run = RunId(frame["run"].as_string());
  progress.bytes_read = count_of(frame["bytes_read"]);
  progress.bytes_total = count_of(frame["bytes_total"]);
  progress.rows_read = count_of(frame["rows_read"]);
  return progress;
}

RejectsLeft left_of(const Json& frame) {
  return {RunId(frame["run"].as_string()), count_of(frame["rejects"])};
}

Result<Receipt> receipt_of(const Json& frame) { return text::receipt_from_json(frame["receipt"]); }

std::vector<ResultColumn> columns_of(const Json& frame) {
  std::vector<ResultColumn> columns;
  for (const Json& column : frame["columns"].as_array()) {
    columns.push_back({column["name"].as_string(), column["type"].as_string()});
  }
  return columns;
}

bool RowFrames::add(const TableRow& row) {
  Json cells = Json::array();
  for (const auto& cell : row) {
    cells.push(cell ? Json(*cell) : Json());
    bytes_ += cell ? cell->size() : 4;
  }
  rows_.push(std::move(cells));
  return rows_.as_array().size() < frame_rows && bytes_ < frame_bytes ? true : flush();
}

bool RowFrames::flush() {
  if (rows_.as_array().empty()) return true;
  Json frame = frame_of("rows");
  frame.set("rows", std::move(rows_));
  rows_ = Json::array();
  bytes_ = 0;
  return sink_.send(frame);
}

std::vector<TableRow> rows_of(const Json& frame) {
  std::vector<TableRow> rows;
  for (const Json& row : frame["rows"].as_array()) {
    TableRow& cells = rows.emplace_back();
    for (const Json& cell : row.as_array()) {
      cells.push_back(cell.is_null() ? std::nullopt : std::optional(cell.as_string()));
    }
  }
  return rows;
}

}  // namespace weir::cli
