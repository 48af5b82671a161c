#include "mysql/prepared.h"

#include <charconv>
#include <cstring>

#include "mysql/result_types.h"
#include "mysql/value_text.h"

namespace weir::mysql {
namespace {

constexpr size_t usual_cell = 256;

/// What a column of the server's type is fetched as.
enum_field_types fetched_as(enum_field_types type) {
  switch (type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_YEAR: return MYSQL_TYPE_LONGLONG;
    case MYSQL_TYPE_FLOAT: return MYSQL_TYPE_FLOAT;
    case MYSQL_TYPE_DOUBLE: return MYSQL_TYPE_DOUBLE;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE: return MYSQL_TYPE_DATE;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_DATETIME2:
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIMESTAMP2: return MYSQL_TYPE_DATETIME;
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_TIME2: return MYSQL_TYPE_TIME;
    case MYSQL_TYPE_BIT: return MYSQL_TYPE_BIT;
    default: return MYSQL_TYPE_STRING;
  }
}

size_t cell_size(enum_field_types type) {
  switch (type) {
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_DOUBLE:
    case MYSQL_TYPE_FLOAT: return 8;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIME: return sizeof(MYSQL_TIME);
    default: return usual_cell;
  }
}

template <typename Number>
std::string number_text(const std::vector<char>& buffer) {
  Number value{};
  std::memcpy(&value, buffer.data(), sizeof value);
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

void append_number(std::string& text, unsigned long value, size_t digits) {
  const std::string number = std::to_string(value);
  if (number.size() < digits) text.append(digits - number.size(), '0');
  text += number;
}

std::string moment_text(const std::vector<char>& buffer, enum_field_types type, unsigned decimals) {
  MYSQL_TIME time{};
  std::memcpy(&time, buffer.data(), sizeof time);
  std::string text;
  if (type != MYSQL_TYPE_TIME) {
    append_number(text, time.year, 4);
    append_number(text += '-', time.month, 2);
    append_number(text += '-', time.day, 2);
    if (type == MYSQL_TYPE_DATE) return text;
    text += ' ';
  } else if (time.neg != 0) {
    text += '-';
  }
  append_number(text, time.hour + (type == MYSQL_TYPE_TIME ? time.day * 24 : 0), 2);
  append_number(text += ':', time.minute, 2);
  append_number(text += ':', time.second, 2);
  // An expression's number of digits may be unknown (31): then all six.
  const unsigned digits = std::min(decimals, 6U);
  if (digits > 0) {
    std::string fraction;
    append_number(fraction, time.second_part, 6);
    text += '.' + fraction.substr(0, digits);
  }
  return text;
}

std::string bits_text(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return std::to_string(value);
}

std::string bytes_text(std::string_view bytes) {
  TextBuffer hex;
  write_hex(bytes, hex);
  return "\\x" + std::string(hex.view());
}

}  // namespace

Prepared::Prepared(MYSQL* session) : statement_(mysql_stmt_init(session)) {}

Prepared::~Prepared() {
  if (statement_ != nullptr) mysql_stmt_close(statement_);
}

ServerError Prepared::error() const {
  if (statement_ == nullptr) return {2008, "HY000", "the client is out of memory"};
  // Of a row that is an error packet the library tells the session alone.
  if (mysql_stmt_errno(statement_) == 0) {
    MYSQL* session = statement_->mysql;
    return {mysql_errno(session), mysql_sqlstate(session), mysql_error(session)};
  }
  return {mysql_stmt_errno(statement_), mysql_stmt_sqlstate(statement_),
          mysql_stmt_error(statement_)};
}

bool Prepared::prepare(const std::string& sql) {
  return statement_ != nullptr && mysql_stmt_prepare(statement_, sql.data(), sql.size()) == 0;
}

size_t Prepared::parameters() const { return mysql_stmt_param_count(statement_); }

bool Prepared::execute(const std::vector<const server::Cell*>& arguments) {
  std::vector<MYSQL_BIND> values(arguments.size());
  std::vector<unsigned long> lengths(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const server::Cell& cell = *arguments[i];
    values[i].buffer_type = cell ? MYSQL_TYPE_STRING : MYSQL_TYPE_NULL;
    if (!cell) continue;
    lengths[i] = cell->size();
    values[i].buffer = const_cast<char*>(cell->data());  // only read
    values[i].buffer_length = lengths[i];
    values[i].length = &lengths[i];
  }
  if (!values.empty() && mysql_stmt_bind_param(statement_, values.data()) != 0) return false;
  if (mysql_stmt_execute(statement_) != 0) return false;
  if (mysql_stmt_field_count(statement_) == 0) {
    const auto changed = mysql_stmt_affected_rows(statement_);
    changed_ = changed == MYSQL_COUNT_ERROR ? 0 : changed;
    return true;
  }
  describe();
  return bind();
}

std::vector<server::QueryColumn> Prepared::described() {
  describe();
  return described_;
}

void Prepared::describe() {
  MYSQL_RES* description = mysql_stmt_result_metadata(statement_);
  if (description == nullptr) return;
  const MYSQL_FIELD* fields = mysql_fetch_fields(description);
  for (unsigned i = 0; i < mysql_num_fields(description); ++i) {
    described_.push_back(
        {std::string(fields[i].name, fields[i].name_length), query_type(fields[i])});
    Column column;
    column.type = fetched_as(fields[i].type);
    column.binary = holds_bytes(fields[i]);
    column.is_unsigned = (fields[i].flags & UNSIGNED_FLAG) != 0;
    column.decimals = fields[i].decimals;
    column.buffer.resize(cell_size(column.type));
    columns_.push_back(std::move(column));
  }
  mysql_free_result(description);
}

bool Prepared::bind() {
  binds_.assign(columns_.size(), MYSQL_BIND{});
  for (size_t i = 0; i < columns_.size(); ++i) {
    Column& column = columns_[i];
    MYSQL_BIND& bind = binds_[i];
    bind.buffer_type = column.type == MYSQL_TYPE_BIT ? MYSQL_TYPE_STRING : column.type;
    bind.buffer = column.buffer.data();
    bind.buffer_length = column.buffer.size();
    bind.length = &column.length;
    bind.is_null = &column.is_null;
    bind.error = &column.error;
    bind.is_unsigned = column.is_unsigned ? 1 : 0;
  }
  return mysql_stmt_bind_result(statement_, binds_.data()) == 0;
}

bool Prepared::take(size_t index, server::Cell& cell) {
  Column& column = columns_[index];
  if (column.is_null != 0) {
    cell.reset();
    return true;
  }
  switch (column.type) {
    case MYSQL_TYPE_LONGLONG:
      cell = column.is_unsigned ? number_text<uint64_t>(column.buffer)
                                : number_text<int64_t>(column.buffer);
      return true;
    case MYSQL_TYPE_FLOAT: cell = number_text<float>(column.buffer); return true;
    case MYSQL_TYPE_DOUBLE: cell = number_text<double>(column.buffer); return true;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIME:
      cell = moment_text(column.buffer, column.type, column.decimals);
      return true;
    default: break;
  }
  if (column.length > column.buffer.size()) {
    column.buffer.resize(column.length);
    MYSQL_BIND whole = binds_[index];
    whole.buffer = column.buffer.data();
    whole.buffer_length = column.buffer.size();
    if (mysql_stmt_fetch_column(statement_, &whole, static_cast<unsigned>(index), 0) != 0) {
      return false;
    }
  }
  const std::string_view bytes(column.buffer.data(), column.length);
  if (column.type == MYSQL_TYPE_BIT) {
    cell = bits_text(bytes);
  } else if (column.binary) {
    cell = bytes_text(bytes);
  } else {
    cell.emplace(bytes);
  }
  return true;
}

Prepared::Step Prepared::next(std::vector<server::Cell>& row) {
  if (columns_.empty()) return Step::end;
  const int got = mysql_stmt_fetch(statement_);
  if (got == MYSQL_NO_DATA) return Step::end;
  if (got != 0 && got != MYSQL_DATA_TRUNCATED) return Step::failed;
  row.resize(columns_.size());
  bool grown = false;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const size_t before = columns_[i].buffer.size();
    if (!take(i, row[i])) return Step::failed;
    grown |= columns_[i].buffer.size() != before;
  }
  if (grown && !bind()) return Step::failed;
  return Step::row;
}

bool Prepared::drain() {
  if (!columns_.empty() && mysql_stmt_free_result(statement_) != 0) return false;
  int more = 0;
  while ((more = mysql_stmt_next_result(statement_)) == 0) {
    if (mysql_stmt_field_count(statement_) > 0) mysql_stmt_free_result(statement_);
  }
  return more < 0;
}

}  // namespace weir::mysql
