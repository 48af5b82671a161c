#include "cli/table_writer.h"

#include <algorithm>
#include <numeric>

#include "cli/display_text.h"

namespace weir::cli {
namespace {

constexpr size_t gap = 2;
constexpr size_t least_width = 6;  // a column is not cut below this

}  // namespace

TableWriter::TableWriter(Output& output, std::vector<TableColumn> columns, std::string null_text,
                         std::string indent)
    : output_(output),
      columns_(std::move(columns)),
      null_text_(std::move(null_text)),
      indent_(std::move(indent)) {
  for (TableColumn& column : columns_) column.name = visible(column.name, LineBreaks::escape);
}

bool TableWriter::add(const TableRow& row) {
  Cells cells;
  cells.reserve(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    const bool missing = i >= row.size() || !row[i];
    cells.push_back(missing ? null_text_ : visible(*row[i], LineBreaks::escape));
  }
  if (!widths_.empty()) return print(cells);
  for (const std::string& cell : cells) waiting_bytes_ += cell.size();
  waiting_.push_back(std::move(cells));
  return (waiting_.size() < looked_at && waiting_bytes_ < looked_at_bytes) || print_head();
}

bool TableWriter::finish() {
  const bool read = widths_.empty() ? print_head() : true;
  return output_.flush() && read;
}

void TableWriter::choose_widths() {
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = display_width(columns_[i].name);
    for (const Cells& cells : waiting_) width = std::max(width, display_width(cells[i]));
    widths_.push_back(width);
  }
  if (output_.width() == 0 || widths_.empty()) return;
  const size_t taken = indent_.size() + gap * (widths_.size() - 1);
  const size_t room = output_.width() > taken ? output_.width() - taken : 0;
  const auto give_way = [&](size_t i) {
    return columns_[i].fit == Fit::cut && widths_[i] > least_width;
  };
  for (size_t i = 0; i < widths_.size(); ++i) {
    if (give_way(i)) widths_[i] = std::min(widths_[i], std::max(room, least_width));
  }
  // The widest gives way first.
  while (std::accumulate(widths_.begin(), widths_.end(), size_t{0}) > room) {
    std::optional<size_t> widest;
    for (size_t i = 0; i < widths_.size(); ++i) {
      if (give_way(i) && (!widest || widths_[i] > widths_[*widest])) widest = i;
    }
    if (!widest) break;
    --widths_[*widest];
  }
}

bool TableWriter::print_head() {
  choose_widths();
  Cells names, rules;
  for (size_t i = 0; i < columns_.size(); ++i) {
    names.push_back(columns_[i].name);
    rules.emplace_back(widths_[i], '-');
  }
  bool read = print(names) && print(rules);
  for (const Cells& cells : waiting_) read = read && print(cells);
  waiting_.clear();
  return read;
}

bool TableWriter::print(const Cells& cells) {
  std::string line = indent_;
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool cuts = output_.width() > 0 && columns_[i].fit == Fit::cut;
    const std::string cell = cuts ? cut_to_width(cells[i], widths_[i]) : cells[i];
    const size_t used = display_width(cell);
    const std::string pad(widths_[i] > used ? widths_[i] - used : 0, ' ');
    if (i > 0) line.append(gap, ' ');
    line += columns_[i].align == Align::right ? pad + cell : cell + pad;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return output_.write(line + "\n");
}

}  // namespace weir::cli
