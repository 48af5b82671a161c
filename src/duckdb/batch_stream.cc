#include "duckdb/batch_stream.h"

#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

static_assert(sizeof(duckdb_string_t) == sizeof(server::TextCell));
static_assert(sizeof(duckdb_hugeint) == sizeof(server::Int128));
static_assert(sizeof(duckdb_list_entry) == sizeof(server::ListEntry));

/// A logical type that destroys itself.
struct LogicalType {
  explicit LogicalType(duckdb_logical_type of) : type(of) {}
  ~LogicalType() { duckdb_destroy_logical_type(&type); }
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  duckdb_logical_type type;
};

}  // namespace

bool same_layout(duckdb_logical_type left, duckdb_logical_type right) {
  if (duckdb_get_type_id(left) != duckdb_get_type_id(right)) return false;
  if (duckdb_get_type_id(left) == DUCKDB_TYPE_DECIMAL) {
    return duckdb_decimal_width(left) == duckdb_decimal_width(right) &&
           duckdb_decimal_scale(left) == duckdb_decimal_scale(right);
  }
  if (duckdb_get_type_id(left) == DUCKDB_TYPE_LIST) {
    const LogicalType left_element(duckdb_list_type_child_type(left));
    const LogicalType right_element(duckdb_list_type_child_type(right));
    return same_layout(left_element.type, right_element.type);
  }
  return true;
}

struct BatchStream::Native {
  duckdb_result result{};
  duckdb_data_chunk chunk = nullptr;
  ~Native() {
    if (chunk != nullptr) duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
  }
};

BatchStream::BatchStream(std::unique_ptr<Native> native, std::vector<DataType> types)
    : native_(std::move(native)), types_(std::move(types)), columns_(types_.size()) {}
BatchStream::~BatchStream() = default;

Result<std::unique_ptr<BatchStream>> BatchStream::open(Statement& statement,
                                                       std::span<const Parameter> parameters,
                                                       std::vector<DataType> types) {
  WEIR_TRY(statement.bind(parameters));
  auto native = std::make_unique<Native>();
  WEIR_TRY(statement.start_streaming(&native->result));
  if (duckdb_column_count(&native->result) != types.size()) {
    return fail(ErrorCode::internal, "a query has other columns than are sent on");
  }
  for (size_t i = 0; i < types.size(); ++i) {
    const LogicalType found(duckdb_column_logical_type(&native->result, i));
    const LogicalType wanted(make_logical_type(types[i]));
    if (same_layout(found.type, wanted.type)) continue;
    return fail(ErrorCode::internal, std::string("column '") +
                                         duckdb_column_name(&native->result, i) +
                                         "' of a query is no " + types[i].to_string());
  }
  return std::unique_ptr<BatchStream>(new BatchStream(std::move(native), std::move(types)));
}

server::ColumnView BatchStream::view_of(void* vector, const DataType& type) {
  const auto native = static_cast<duckdb_vector>(vector);
  server::ColumnView view{&type, duckdb_vector_get_data(native), duckdb_vector_get_validity(native),
                          nullptr};
  if (type.kind == TypeKind::list) {
    const server::ColumnView child = view_of(duckdb_list_vector_get_child(native), *type.element);
    view.elements = &elements_.emplace_back(child);
  }
  return view;
}

Result<server::RowBatch> BatchStream::next() {
  if (native_->chunk != nullptr) duckdb_destroy_data_chunk(&native_->chunk);
  elements_.clear();
  native_->chunk = duckdb_fetch_chunk(native_->result);
  if (native_->chunk == nullptr) {
    const char* error = duckdb_result_error(&native_->result);
    if (error != nullptr) return fail(make_error(error));
    return server::RowBatch{};
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    columns_[i] = view_of(duckdb_data_chunk_get_vector(native_->chunk, i), types_[i]);
  }
  return server::RowBatch{duckdb_data_chunk_get_size(native_->chunk), columns_};
}

}  // namespace weir::duckdb
