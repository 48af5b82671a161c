#include "cases/compare_notices.h"

#include "cases/compare_members.h"
#include "text/json.h"

namespace weir::cases {
namespace {

constexpr const char* member_names[] = {
    "type",    "pipeline",  "step",   "object",       "status",   "read",    "inserted",
    "updated", "unchanged", "loaded", "deduplicated", "filtered", "rejected"};
constexpr size_t first_counter = 5;
constexpr std::string_view prefix = "run.";  // of the type in the message

/// By member_names, as the message says it.
Result<TextRow> cells_of(const runlog::Notice& notice) {
  const auto message = WEIR_TRY(text::Json::parse(notice.body));
  const text::Json receipt = message["receipt"];
  TextRow cells;
  cells.emplace_back(message["type"].as_string().substr(prefix.size()));
  cells.emplace_back(message["pipeline"].as_string());
  cells.emplace_back(std::to_string(notice.step));
  cells.emplace_back();
  if (receipt["object"].is_string()) cells.back() = receipt["object"].as_string();
  cells.emplace_back(receipt["status"].as_string());
  for (size_t i = first_counter; i < std::size(member_names); ++i) {
    cells.emplace_back(std::to_string(receipt["rows"][member_names[i]].as_int()));
  }
  return cells;
}

}  // namespace

Result<void> compare_notices(const std::vector<runlog::Notice>& notices, CaseResult& result) {
  std::vector<TextRow> found;
  for (const runlog::Notice& notice : notices) found.push_back(WEIR_TRY(cells_of(notice)));
  std::vector<bool> usual(std::size(member_names), false);
  for (const size_t member : {0, 1, 3}) usual[member] = true;
  RowsDifference difference = compare_members(*result.test->notices, found, member_names, usual);
  difference.of = "notices";
  difference.location = result.test->location;
  result.notices = std::move(difference);
  return {};
}

}  // namespace weir::cases
