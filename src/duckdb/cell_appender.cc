#include "duckdb/cell_appender.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "duckdb/column_writer.h"
#include "duckdb/list_text.h"
#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

/// What of a value a message shows.
constexpr size_t shown_bytes = 80;
/// Readable behind a text that goes to the JSON tokens.
constexpr size_t padding_bytes = 64;

std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty() && out.size() < shown_bytes) {
    const size_t length = utf8_sequence_length(text);
    out += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return text.empty() ? out : out + "…";
}

}  // namespace

struct CellAppender::Native {
  duckdb_appender appender = nullptr;
  duckdb_data_chunk chunk = nullptr;
  std::vector<ColumnWriter> writers;
  ListText lists;
  std::string list_text;
  int64_t* numbers = nullptr;

  ~Native() {
    if (chunk != nullptr) duckdb_destroy_data_chunk(&chunk);
    if (appender != nullptr) duckdb_appender_destroy(&appender);
  }
  Error error() const { return make_error(duckdb_appender_error(appender)); }
};

CellAppender::CellAppender(std::unique_ptr<Native> native, std::vector<Column> columns,
                           Numbered numbered)
    : native_(std::move(native)), columns_(std::move(columns)), numbered_(numbered) {}
CellAppender::~CellAppender() = default;

Result<std::unique_ptr<CellAppender>> CellAppender::open(Connection& connection,
                                                         const std::string& table,
                                                         std::vector<Column> columns,
                                                         Numbered numbered) {
  auto native = std::make_unique<Native>();
  const auto session = static_cast<duckdb_connection>(connection.native());
  if (duckdb_appender_create_ext(session, "temp", "main", table.c_str(), &native->appender) !=
      DuckDBSuccess) {
    return fail(native->error());
  }
  const size_t width = columns.size() + (numbered == Numbered::yes ? 1 : 0);
  if (duckdb_appender_column_count(native->appender) != width) {
    return fail(ErrorCode::internal, "table " + table + " has other columns than are appended");
  }
  std::vector<duckdb_logical_type> types;
  for (size_t i = 0; i < width; ++i) {
    types.push_back(duckdb_appender_column_type(native->appender, i));
  }
  native->chunk = duckdb_create_data_chunk(types.data(), types.size());
  for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
  for (const Column& column : columns) native->writers.emplace_back(column.type);
  auto appender = std::unique_ptr<CellAppender>(
      new CellAppender(std::move(native), std::move(columns), numbered));
  appender->begin_chunk();
  return appender;
}

void CellAppender::begin_chunk() {
  in_chunk_ = 0;
  duckdb_data_chunk_reset(native_->chunk);
  for (size_t i = 0; i < columns_.size(); ++i) {
    native_->writers[i].attach(duckdb_data_chunk_get_vector(native_->chunk, i));
  }
  if (numbered_ == Numbered::no) return;
  native_->numbers = static_cast<int64_t*>(
      duckdb_vector_get_data(duckdb_data_chunk_get_vector(native_->chunk, columns_.size())));
}

bool CellAppender::put(size_t column, std::string_view text) {
  ColumnWriter& writer = native_->writers[column];
  // Where a server has no lists, a JSON array stands for one.
  if (columns_[column].type.kind != TypeKind::list || !text.starts_with('[')) {
    return writer.put_cell(in_chunk_, text);
  }
  std::string& padded = native_->list_text;
  padded.assign(text);
  padded.append(padding_bytes, '\0');
  return native_->lists.put(writer, in_chunk_, std::string_view(padded).substr(0, text.size()),
                            TextLife::call);
}

Result<void> CellAppender::row(std::span<const server::Cell> cells) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!cells[i]) {
      native_->writers[i].put_null(in_chunk_);
    } else if (!put(i, *cells[i])) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("row {}, column '{}': '{}' is no {} that weir can hold", rows_ + 1,
                              columns_[i].name, shown(*cells[i]), columns_[i].type.to_string()),
                  "leave the row out, or turn the value into another one in the query");
    }
  }
  ++rows_;
  if (numbered_ == Numbered::yes) native_->numbers[in_chunk_] = static_cast<int64_t>(rows_);
  if (++in_chunk_ < duckdb_vector_size()) return {};
  return flush();
}

Result<void> CellAppender::flush() {
  if (in_chunk_ == 0) return {};
  duckdb_data_chunk_set_size(native_->chunk, in_chunk_);
  // DuckDB would gather a hundred chunks, in memory that its limit does not count.
  if (duckdb_append_data_chunk(native_->appender, native_->chunk) != DuckDBSuccess ||
      duckdb_appender_flush(native_->appender) != DuckDBSuccess) {
    return fail(native_->error());
  }
  begin_chunk();
  return {};
}

Result<void> CellAppender::close() {
  WEIR_TRY(flush());
  if (duckdb_appender_close(native_->appender) == DuckDBSuccess) return {};
  return fail(native_->error());
}

}  // namespace weir::duckdb
