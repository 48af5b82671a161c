#include <algorithm>

#include "duckdb/native.h"
#include "duckdb/scan.h"

namespace weir::duckdb {
namespace {

SlotRegistry& registry(duckdb_function_info info) {
  return *static_cast<SlotRegistry*>(duckdb_scalar_function_get_extra_info(info));
}

template <class T>
const T* data(duckdb_data_chunk chunk, idx_t column) {
  return static_cast<const T*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, column)));
}

RowObserver* find_observer(duckdb_function_info info, int64_t slot_id) {
  ScanSlot* slot = registry(info).find(slot_id);
  if (slot == nullptr || slot->observer() == nullptr) {
    duckdb_scalar_function_set_error(info, "weir's own functions work inside pipelines only");
    return nullptr;
  }
  return slot->observer();
}

/// weir_reject(slot BIGINT, row BIGINT, rule INTEGER, value VARCHAR) → INTEGER, always 0
void reject(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const idx_t count = duckdb_data_chunk_get_size(input);
  auto* out = static_cast<int32_t*>(duckdb_vector_get_data(output));
  if (count == 0) return;
  RowObserver* observer = find_observer(info, data<int64_t>(input, 0)[0]);
  if (observer == nullptr) return;
  const auto* rows = data<int64_t>(input, 1);
  const auto* rules = data<int32_t>(input, 2);
  duckdb_vector values = duckdb_data_chunk_get_vector(input, 3);
  uint64_t* validity = duckdb_vector_get_validity(values);
  auto* strings = static_cast<duckdb_string_t*>(duckdb_vector_get_data(values));
  for (idx_t i = 0; i < count; ++i) {
    std::string_view value;
    if (validity == nullptr || duckdb_validity_row_is_valid(validity, i)) {
      value = {duckdb_string_t_data(&strings[i]), duckdb_string_t_length(strings[i])};
    }
    observer->reject(rows[i], rules[i], value);
    out[i] = 0;
  }
}

/// weir_filtered(slot BIGINT, row BIGINT) → INTEGER, always 0
void filtered(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const idx_t count = duckdb_data_chunk_get_size(input);
  auto* out = static_cast<int32_t*>(duckdb_vector_get_data(output));
  if (count == 0) return;
  RowObserver* observer = find_observer(info, data<int64_t>(input, 0)[0]);
  if (observer == nullptr) return;
  const auto* rows = data<int64_t>(input, 1);
  for (idx_t i = 0; i < count; ++i) {
    observer->filtered(rows[i]);
    out[i] = 0;
  }
}

/// weir_seen(slot BIGINT, row BIGINT) → INTEGER, always 1
void seen(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const idx_t count = duckdb_data_chunk_get_size(input);
  auto* out = static_cast<int32_t*>(duckdb_vector_get_data(output));
  if (count == 0) return;
  RowObserver* observer = find_observer(info, data<int64_t>(input, 0)[0]);
  if (observer == nullptr) return;
  observer->read(0, count);
  std::fill_n(out, count, 1);
}

Result<void> register_verdict(duckdb_connection connection, SlotRegistry& slots, const char* name,
                              std::initializer_list<duckdb_type> parameters,
                              duckdb_scalar_function_t function) {
  duckdb_scalar_function made = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(made, name);
  for (const duckdb_type parameter : parameters) {
    duckdb_logical_type type = duckdb_create_logical_type(parameter);
    duckdb_scalar_function_add_parameter(made, type);
    duckdb_destroy_logical_type(&type);
  }
  duckdb_logical_type integer = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
  duckdb_scalar_function_set_return_type(made, integer);
  duckdb_destroy_logical_type(&integer);
  duckdb_scalar_function_set_special_handling(made);  // a NULL value is a value to report
  duckdb_scalar_function_set_volatile(made);          // called once per row, never folded
  duckdb_scalar_function_set_extra_info(made, &slots, nullptr);
  duckdb_scalar_function_set_function(made, function);
  const duckdb_state state = duckdb_register_scalar_function(connection, made);
  duckdb_destroy_scalar_function(&made);
  if (state != DuckDBSuccess) {
    return fail(ErrorCode::internal, std::string("cannot register ") + name);
  }
  return {};
}

}  // namespace

Result<void> register_verdict_functions(duckdb_connection connection, SlotRegistry& slots) {
  WEIR_TRY(register_verdict(
      connection, slots, "weir_reject",
      {DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_VARCHAR}, reject));
  WEIR_TRY(register_verdict(connection, slots, "weir_seen",
                            {DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BIGINT}, seen));
  return register_verdict(connection, slots, "weir_filtered",
                          {DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BIGINT}, filtered);
}

}  // namespace weir::duckdb
