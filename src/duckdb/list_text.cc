#include "duckdb/list_text.h"

#include "duckdb/json_values.h"

namespace weir::duckdb {

struct ListText::State {
  JsonTokens tokens;
  JsonValues values{tokens};
};

ListText::ListText() = default;
ListText::~ListText() = default;

bool ListText::put(ColumnWriter& writer, idx_t row, std::string_view json, TextLife life) {
  if (state_ == nullptr) state_ = std::make_unique<State>();
  JsonTokens& tokens = state_->tokens;
  if (tokens.start(json) != JsonTokens::Start::ok || tokens.peek() != '[') return false;
  state_->values.begin(json, life);
  bool fits = true;
  // As deep as in a record.
  return state_->values.decode(writer, row, 1, fits) && fits && tokens.done();
}

}  // namespace weir::duckdb
