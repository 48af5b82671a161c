#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "server/connection.h"

namespace weir::mysql {

/// Columns of values as DuckDB would lay them out, for one batch.
class TestBatch {
 public:
  template <typename Cell>
  void add(const std::string& name, const char* type,
           const std::vector<std::optional<Cell>>& cells) {
    Column& column = new_column(name, type, cells.size());
    column.data.resize(sizeof(Cell) * cells.size());
    for (size_t i = 0; i < cells.size(); ++i) {
      if (!cells[i]) continue;
      std::memcpy(column.data.data() + i * sizeof(Cell), &*cells[i], sizeof(Cell));
      column.validity[i / 64] |= uint64_t{1} << (i % 64);
    }
  }
  void add_text(const std::string& name, const char* type,
                const std::vector<std::optional<std::string>>& texts) {
    std::vector<std::optional<server::TextCell>> cells;
    for (const auto& text : texts) {
      cells.push_back(text ? std::optional(text_cell(*text)) : std::nullopt);
    }
    add(name, type, cells);
  }
  /// The column added last becomes the elements of a new one.
  void wrap_into_list(const std::string& name, const char* type,
                      const std::vector<std::optional<server::ListEntry>>& entries) {
    inner_.push_back(std::move(columns_.back()));
    columns_.pop_back();
    Column& elements = inner_.back();
    elements_.push_back(view(elements));
    add(name, type, entries);
    columns_.back().elements = &elements_.back();
  }

  std::vector<server::BulkTarget::Column> columns() const {
    std::vector<server::BulkTarget::Column> result;
    for (const Column& column : columns_) result.push_back({column.name, column.type});
    return result;
  }
  server::RowBatch batch() {
    views_.clear();
    for (const Column& column : columns_) views_.push_back(view(column));
    return {rows_, views_};
  }

 private:
  struct Column {
    std::string name;
    DataType type;
    std::vector<char> data;
    std::vector<uint64_t> validity;
    const server::ColumnView* elements = nullptr;
  };
  Column& new_column(const std::string& name, const char* type, size_t rows) {
    rows_ = rows;
    return columns_.emplace_back(Column{
        name, parse_data_type(type).value(), {}, std::vector<uint64_t>(rows / 64 + 1), nullptr});
  }
  static server::ColumnView view(const Column& column) {
    return {&column.type, column.data.data(), column.validity.data(), column.elements};
  }
  server::TextCell text_cell(const std::string& text) {
    server::TextCell cell;
    cell.length = static_cast<uint32_t>(text.size());
    if (text.size() <= sizeof cell.inlined) {
      std::memcpy(cell.inlined, text.data(), text.size());
      return cell;
    }
    const char* data = texts_.emplace_back(text).data();
    std::memcpy(cell.inlined, data, 4);
    std::memcpy(cell.inlined + 4, &data, sizeof data);
    return cell;
  }

  size_t rows_ = 0;
  std::deque<Column> columns_;
  std::deque<Column> inner_;
  std::deque<server::ColumnView> elements_;
  std::deque<std::string> texts_;
  std::vector<server::ColumnView> views_;
};

}  // namespace weir::mysql
