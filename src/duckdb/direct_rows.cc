#include "duckdb/direct_rows.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "duckdb/json_decoder.h"
#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

/// A text that is not taken is read again by who can say why.
class Silence final : public RowObserver {
 public:
  void read(uint16_t, uint64_t) override {}
  void reject(RowId, int, std::string_view) override {}
  void filtered(RowId) override {}
  void expanded(uint16_t, uint64_t) override {}
  void produced(RowId, int, std::string_view) override {}
  void input_failed(uint16_t, Error) override {}
  bool should_stop() const override { return false; }
};

struct EndChunk {
  void operator()(duckdb_data_chunk chunk) const { duckdb_destroy_data_chunk(&chunk); }
};
using Chunk = std::unique_ptr<std::remove_pointer_t<duckdb_data_chunk>, EndChunk>;

bool has_null(const server::ColumnView& column, size_t rows) {
  const size_t words = rows / 64;
  for (size_t i = 0; i < words; ++i) {
    if (column.validity[i] != UINT64_MAX) return true;
  }
  const uint64_t rest = (uint64_t{1} << rows % 64) - 1;
  return rest != 0 && (column.validity[words] & rest) != rest;
}

constexpr size_t nowhere = SIZE_MAX;
/// Chunks that are kept for the next rows.
constexpr size_t most_kept_chunks = 16;

}  // namespace

struct DirectRows::Parts {
  explicit Parts(ScanSlot& of) : slot(of), decoder(observed(of)) {
    for (const ReadColumn& column : slot.columns()) {
      WEIR_CHECK(column.type.kind != TypeKind::list, "a list goes into columns by a scan alone");
      types.push_back(make_logical_type(column.type));
    }
    flags.resize(slot.columns().size());
    flag_places.resize(slot.columns().size());
    for (const size_t column : slot.defaults()) {
      flags[column] = std::make_unique<bool[]>(batch_rows);
      flag_places[column] = flags[column].get();
    }
    WEIR_CHECK(duckdb_vector_size() == batch_rows, "DuckDB's vectors have another size");
  }
  ~Parts() {
    for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
    slot.clear_inputs();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  /// The decoder tells the slot's observer.
  ScanSlot& observed(ScanSlot& of) {
    of.set_inputs({}, silence, 1);
    return of;
  }

  ScanSlot& slot;
  Silence silence;
  JsonDecoder decoder;
  std::vector<duckdb_logical_type> types;
  std::vector<Chunk> chunks;
  std::vector<std::vector<server::ColumnView>> columns;  // of each chunk
  size_t attached = nowhere;                             // the chunk that the decoder writes into
  std::vector<std::unique_ptr<bool[]>> flags;
  std::vector<bool*> flag_places;
};

DirectRows::DirectRows(ScanSlot& slot) : parts_(std::make_unique<Parts>(slot)) {}
DirectRows::~DirectRows() = default;

void DirectRows::attach(size_t chunk) {
  if (parts_->attached == chunk) return;
  auto& chunks = parts_->chunks;
  if (chunk == chunks.size()) {
    chunks.emplace_back(duckdb_create_data_chunk(parts_->types.data(), parts_->types.size()));
    parts_->columns.emplace_back();
  }
  std::vector<duckdb_vector> vectors;
  for (size_t i = 0; i < parts_->types.size(); ++i) {
    vectors.push_back(duckdb_data_chunk_get_vector(chunks[chunk].get(), i));
  }
  parts_->decoder.attach(vectors, parts_->flag_places);
  auto& columns = parts_->columns[chunk];
  columns.clear();
  for (size_t i = 0; i < vectors.size(); ++i) {
    columns.push_back({&parts_->slot.columns()[i].type, duckdb_vector_get_data(vectors[i]),
                       duckdb_vector_get_validity(vectors[i]), nullptr});
  }
  parts_->attached = chunk;
}

/// The object that comes next, as the row behind the last one.
bool DirectRows::decode_row() {
  attach(rows_ / batch_rows);
  const size_t index = rows_ % batch_rows;
  if (!parts_->decoder.decode_object(index)) return false;
  for (const size_t column : parts_->slot.defaults()) {
    if (parts_->flags[column][index]) return false;
  }
  ++rows_;
  return true;
}

bool DirectRows::decode_array() {
  JsonTokens& tokens = parts_->decoder.tokens();
  tokens.step();  // [
  while (true) {
    if (!decode_row()) return false;
    const char next = tokens.peek();
    tokens.step();
    if (next == ']') return tokens.done();
    if (next != ',') return false;
  }
}

/// The scan cuts lines before it reads values: so an object must be on a line of its own.
bool DirectRows::decode_lines(std::string_view text) {
  JsonTokens& tokens = parts_->decoder.tokens();
  const auto has_line_end = [&](size_t begin, size_t end) {
    return std::memchr(text.data() + begin, '\n', end - begin) != nullptr;
  };
  while (!tokens.done()) {
    const size_t begin = tokens.position();
    if (!decode_row()) return false;
    const size_t end = tokens.last_position() + 1;
    if (has_line_end(begin, end)) return false;
    if (!tokens.done() && !has_line_end(end, tokens.position())) return false;
  }
  return true;
}

bool DirectRows::decode(std::string_view text) {
  if (text.empty() || (text[0] != '[' && text[0] != '{')) return false;
  if (!parts_->decoder.begin_text(text)) return false;
  return text[0] == '[' ? decode_array() : decode_lines(text);
}

bool DirectRows::append(std::string_view text) {
  const size_t before = rows_;
  if (decode(text)) return true;
  rows_ = before;
  return false;
}

void DirectRows::drop_to(size_t rows) { rows_ = std::min(rows, rows_); }

void DirectRows::clear() {
  auto& chunks = parts_->chunks;
  if (chunks.size() > most_kept_chunks) {
    chunks.resize(most_kept_chunks);
    parts_->columns.resize(most_kept_chunks);
  }
  const size_t used = std::min(chunks.size(), rows_ / batch_rows + 1);
  for (size_t i = 0; i < used; ++i) duckdb_data_chunk_reset(chunks[i].get());
  parts_->attached = nowhere;
  rows_ = 0;
}

bool DirectRows::all_of(size_t from, const Judge& judge) const {
  for (size_t begin = from; begin < rows_;) {
    const size_t chunk = begin / batch_rows;
    const size_t end = std::min(rows_, (chunk + 1) * batch_rows);
    if (!judge(parts_->columns[chunk], begin % batch_rows, end - chunk * batch_rows)) return false;
    begin = end;
  }
  return true;
}

std::vector<server::RowBatch> DirectRows::batches() {
  std::vector<server::RowBatch> all;
  for (size_t begin = 0; begin < rows_; begin += batch_rows) {
    const size_t rows = std::min(batch_rows, rows_ - begin);
    auto& columns = parts_->columns[begin / batch_rows];
    for (server::ColumnView& column : columns) {
      // Mostly nothing is NULL, and who reads need not look.
      if (column.validity != nullptr && !has_null(column, rows)) column.validity = nullptr;
    }
    all.push_back({rows, columns});
  }
  parts_->attached = nowhere;  // the next row looks for its validity anew
  return all;
}

namespace {

struct EndAppender {
  void operator()(duckdb_appender appender) const { duckdb_appender_destroy(&appender); }
};
using NativeAppender = std::unique_ptr<std::remove_pointer_t<duckdb_appender>, EndAppender>;

/// DuckDB would cast, and casts lose.
bool takes_as_they_are(duckdb_appender appender, std::span<const duckdb_logical_type> types) {
  bool same = duckdb_appender_column_count(appender) == types.size();
  for (size_t i = 0; i < types.size() && same; ++i) {
    duckdb_logical_type column = duckdb_appender_column_type(appender, i);
    same = same_layout(column, types[i]);
    duckdb_destroy_logical_type(&column);
  }
  return same;
}

}  // namespace

Result<void> DirectRows::append_to(Connection& connection, const std::string& catalog,
                                   const std::string& schema, const std::string& table) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  };
  duckdb_appender native = nullptr;
  const duckdb_state made = duckdb_appender_create_ext(
      static_cast<duckdb_connection>(connection.native()), text_or_null(catalog),
      text_or_null(schema), table.c_str(), &native);
  const NativeAppender appender(native);
  const auto checked = [&](duckdb_state state) -> Result<void> {
    if (state == DuckDBSuccess) return {};
    return fail(make_error(duckdb_appender_error(native)));
  };
  WEIR_TRY(checked(made));
  if (!takes_as_they_are(native, parts_->types)) {
    return fail(ErrorCode::sql, "the table has other columns than the rows");
  }
  for (size_t begin = 0; begin < rows_; begin += batch_rows) {
    const duckdb_data_chunk chunk = parts_->chunks[begin / batch_rows].get();
    duckdb_data_chunk_set_size(chunk, std::min(batch_rows, rows_ - begin));
    WEIR_TRY(checked(duckdb_append_data_chunk(native, chunk)));
  }
  return checked(duckdb_appender_close(native));
}

}  // namespace weir::duckdb
