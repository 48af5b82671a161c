#include <cstring>

#include "duckdb/column_writer.h"
#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

const DataType& target_type(duckdb_function_info info) {
  return *static_cast<const DataType*>(duckdb_scalar_function_get_extra_info(info));
}

/// varchar → the type, NULL where the text is not its spelling
void parse(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
  uint64_t* validity = duckdb_vector_get_validity(texts);
  auto* strings = static_cast<duckdb_string_t*>(duckdb_vector_get_data(texts));
  ColumnWriter writer(target_type(info));
  writer.attach(output);
  const idx_t count = duckdb_data_chunk_get_size(input);
  for (idx_t row = 0; row < count; ++row) {
    if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) {
      writer.put_null(row);
      continue;
    }
    const std::string_view text{duckdb_string_t_data(&strings[row]),
                                duckdb_string_t_length(strings[row])};
    if (!writer.put_text(row, text, TextLife::call)) writer.put_null(row);
  }
}

}  // namespace

Result<void> register_parse_function(duckdb_connection connection, const std::string& name,
                                     const DataType& type) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, name.c_str());
  duckdb_logical_type varchar = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_scalar_function_add_parameter(function, varchar);
  duckdb_destroy_logical_type(&varchar);
  duckdb_logical_type result = make_logical_type(type);
  duckdb_scalar_function_set_return_type(function, result);
  duckdb_destroy_logical_type(&result);
  duckdb_scalar_function_set_special_handling(function);  // NULL for bad text, not only for NULL
  duckdb_scalar_function_set_extra_info(function, new DataType(type),
                                        [](void* owned) { delete static_cast<DataType*>(owned); });
  duckdb_scalar_function_set_function(function, parse);
  const duckdb_state state = duckdb_register_scalar_function(connection, function);
  duckdb_destroy_scalar_function(&function);
  if (state != DuckDBSuccess) return fail(ErrorCode::internal, "cannot register " + name);
  return {};
}

}  // namespace weir::duckdb
