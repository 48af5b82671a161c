#pragma once

// Inside src/duckdb only.

#include <memory>
#include <string_view>

#include "duckdb/column_writer.h"

namespace weir::duckdb {

/// Lists where a source has no lists of its own: the text is a JSON array. One thread.
class ListText {
 public:
  ListText();
  ~ListText();
  ListText(const ListText&) = delete;
  ListText& operator=(const ListText&) = delete;

  /// `json` is valid UTF-8 with 64 readable bytes behind it; `life` is how long it stays there.
  /// False: it is no array of the list's elements; the writer's row is as good as not written.
  bool put(ColumnWriter& writer, idx_t row, std::string_view json, TextLife life);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::duckdb
