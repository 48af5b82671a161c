#include "mysql/row_text.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace weir::mysql {
namespace {

using server::ColumnView;
using server::RowBatch;

/// What stands behind the backslash; 0 for a byte that needs none.
template <RowForm form>
constexpr std::array<char, 256> escapes() {
  std::array<char, 256> table{};
  table[0] = '0';
  table['\\'] = '\\';
  if (form == RowForm::lines) {
    table['\t'] = 't';
    table['\n'] = 'n';
  } else {
    table['\''] = '\'';
  }
  return table;
}
template <RowForm form>
constexpr std::array<char, 256> escape_table = escapes<form>();

/// Whether one of eight bytes is a control character, a backslash or (in tuples) a quote.
template <RowForm form>
bool may_need_escape(uint64_t bytes) {
  constexpr uint64_t ones = 0x0101010101010101U;
  constexpr uint64_t tops = 0x8080808080808080U;
  const auto below = [](uint64_t x, uint64_t limit) { return (x - ones * limit) & ~x & tops; };
  uint64_t found = below(bytes, 0x20) | below(bytes ^ ones * '\\', 1);
  if (form == RowForm::tuples) found |= below(bytes ^ ones * '\'', 1);
  return found != 0;
}

/// UTF-8's other bytes are above all that is escaped, so bytes are enough to look at.
template <RowForm form>
void write_escaped(std::string_view text, TextBuffer& out) {
  char* at = out.room(2 * text.size());
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from < end) {
    if (end - from >= 8) {
      uint64_t bytes = 0;
      std::memcpy(&bytes, from, 8);
      if (!may_need_escape<form>(bytes)) {
        std::memcpy(at, from, 8);
        from += 8;
        at += 8;
        continue;
      }
    }
    const char* const stop = std::min(end, from + 8);
    for (; from < stop; ++from) {
      const char escape = escape_table<form>[static_cast<unsigned char>(*from)];
      if (escape != 0) *at++ = '\\';
      *at++ = escape != 0 ? escape : *from;
    }
  }
  out.end_at(at);
}

}  // namespace

RowText::RowText(std::span<const RowColumn> columns, RowForm form, std::string prefix)
    : form_(form), prefix_(std::move(prefix)) {
  for (const RowColumn& given : columns) {
    Column column{given, Style::bare, value_writer(given.type), 1};
    for (int i = given.fraction; i < 6; ++i) column.step *= 10;
    switch (given.type.kind) {
      case TypeKind::varchar:
      case TypeKind::json: column.style = Style::text; break;
      case TypeKind::bytes: column.style = Style::bytes; break;
      case TypeKind::list: column.style = Style::list; break;
      case TypeKind::boolean: break;
      default:
        if (!is_number(given.type.kind)) column.style = Style::quoted;
    }
    columns_.push_back(std::move(column));
  }
}

bool RowText::is_bent(const RowColumn& column, std::string_view value) {
  switch (column.bends) {
    case RowColumn::Bends::nothing: return false;
    case RowColumn::Bends::drops_blanks: return value.ends_with(' ');
    case RowColumn::Bends::fills_up: return value.size() != column.size;
    case RowColumn::Bends::respells:
      return std::ranges::find(column.spellings, value) == column.spellings.end();
  }
  return false;
}

template <RowForm form>
bool RowText::write_cell(const Column& column, const ColumnView& view, size_t row,
                         TextBuffer& out) {
  constexpr bool tuples = form == RowForm::tuples;
  if (view.is_null(row)) {
    out.append(tuples ? std::string_view("NULL") : std::string_view("\\N"));
    return true;
  }
  if (column.style == Style::bare) return column.write(view, row, out);
  if (column.given.bends != RowColumn::Bends::nothing && is_bent(column.given, view.text(row))) {
    return false;
  }
  if (tuples) out.append(column.style == Style::bytes ? std::string_view("x'") : "'");
  switch (column.style) {
    case Style::quoted:
      if (column.step > 1 && view.at<int64_t>(row) % column.step != 0) return false;
      if (!column.write(view, row, out)) return false;
      break;
    case Style::text: write_escaped<form>(view.text(row), out); break;
    case Style::bytes: write_hex(view.text(row), out); break;
    case Style::list:
      scratch_.clear();
      if (!write_list(view, row, scratch_)) return false;
      write_escaped<form>(scratch_.view(), out);
      break;
    case Style::bare: break;
  }
  if (tuples) out.append('\'');
  return true;
}

/// Told as a server would that refuses such a value, so that its row is found and rejected alone.
tl::unexpected<Error> RowText::unfit(const Column& column, size_t row) {
  const RowColumn& given = column.given;
  const std::string who = "column '" + given.name + "' of the server's table ";
  if (column.step > 1) {
    const std::string digits = std::to_string(given.fraction);
    fault_ = {row, given.name, "22008", "the column keeps " + digits + " digits of a second"};
    return fail(
        ErrorCode::invalid_input,
        who + "keeps " + digits + " digits of a second, and would drop some of a value's silently",
        "make it datetime(6) or time(6), or round the values in a select step");
  }
  if (given.bends != RowColumn::Bends::nothing) {
    constexpr const char* bends[] = {"", "drops the blanks at its end", "fills it up with zeros",
                                     "takes it for another of its own, or for none"};
    const std::string bend = bends[static_cast<size_t>(given.bends)];
    fault_ = {row, given.name, "22000", "the column " + bend};
    return fail(ErrorCode::invalid_input,
                who + "gets a value that it would bend silently: it " + bend,
                "change the column on the server to varchar or varbinary, or the value in a select "
                "step");
  }
  fault_ = {row, given.name, "22003", "the server has no such " + given.type.to_string()};
  return fail(ErrorCode::invalid_input,
              "column '" + given.name + "' gets a value that " + given.type.to_string() +
                  " on the server cannot hold: NaN, infinity, or a date outside of 0001-01-01 to "
                  "9999-12-31",
              "reject or replace it before the load");
}

template <RowForm form>
Result<void> RowText::write_row(const RowBatch& batch, size_t row, TextBuffer& out) {
  constexpr bool tuples = form == RowForm::tuples;
  if (out.empty()) {
    out.append(prefix_);
    if (tuples) out.append('(');
  } else if (tuples) {
    out.append(",(");
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out.append(tuples ? ',' : '\t');
    if (!write_cell<form>(columns_[i], batch.columns[i], row, out)) {
      return unfit(columns_[i], row);
    }
  }
  out.append(tuples ? ')' : '\n');
  return {};
}

Result<size_t> RowText::append(const RowBatch& batch, size_t first, Limit limit, TextBuffer& out) {
  WEIR_CHECK(batch.columns.size() == columns_.size(), "a batch has the columns of its load");
  fault_.reset();
  size_t row = first;
  for (; row < batch.rows && out.size() < limit.enough; ++row) {
    const size_t before = out.size();
    WEIR_TRY(form_ == RowForm::lines ? write_row<RowForm::lines>(batch, row, out)
                                     : write_row<RowForm::tuples>(batch, row, out));
    if (out.size() <= limit.most) continue;
    if (before > 0) {
      out.cut(before);
      return row;
    }
    return fail(ErrorCode::invalid_input,
                "a row of " + std::to_string(out.size()) + " bytes is larger than the server takes",
                "raise max_allowed_packet on the server, or allow local_infile");
  }
  return row;
}

}  // namespace weir::mysql
