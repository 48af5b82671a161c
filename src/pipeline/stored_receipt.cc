#include "pipeline/stored_receipt.h"

#include <charconv>

#include "base/check.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

template <typename Number>
Result<Number> number(const std::optional<std::string>& cell) {
  Number value = 0;
  if (cell) {
    const char* end = cell->data() + cell->size();
    const auto [at, error] = std::from_chars(cell->data(), end, value);
    if (error == std::errc() && at == end) return value;
  }
  return fail(ErrorCode::internal, "weir_loads holds '" + cell.value_or("NULL") + "' for a number");
}

}  // namespace

std::optional<std::string> stored_rejects(const Receipt& receipt) {
  if (receipt.rejects.empty()) return std::nullopt;
  return text::to_json(std::span(receipt.rejects)).to_string();
}

Result<Receipt> stored_receipt(std::span<const std::optional<std::string>> cells) {
  WEIR_CHECK(cells.size() == receipt_columns.size() + count_columns.size(),
             "a receipt has a cell for each of its columns");
  const auto text_of = [&](size_t at) { return cells[at].value_or(""); };
  Receipt receipt;
  receipt.run = RunId(text_of(0));
  receipt.pipeline = PipelineName(text_of(1));
  if (cells[2]) receipt.object = ObjectRef{BucketName(*cells[2]), ObjectKey(text_of(3))};
  receipt.version = ObjectVersion(text_of(4));
  const auto status = parse_run_state(text_of(5));
  if (!status) return fail(ErrorCode::internal, "weir_loads has the status '" + text_of(5) + "'");
  receipt.status = *status;
  receipt.duration_ms = WEIR_TRY(number<double>(cells[6]));
  if (cells[7]) {
    receipt.rejects = WEIR_TRY(text::rejects_from_json(WEIR_TRY(text::Json::parse(*cells[7]))));
  }
  for (size_t i = 0; i < count_columns.size(); ++i) {
    receipt.rows.*count_columns[i].count =
        WEIR_TRY(number<uint64_t>(cells[receipt_columns.size() + i]));
  }
  return receipt;
}

}  // namespace weir::pipeline
