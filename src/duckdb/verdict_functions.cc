#include <algorithm>
#include <vector>

#include "duckdb/native.h"
#include "duckdb/scan.h"

namespace weir::duckdb {
namespace {

/// What the functions answer for a row that does not go on; 1 is for those that do. A reject is
/// NULL, so that COALESCE can tell it from the others without asking twice.
constexpr int32_t verdict_filtered = 2;

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

/// A row's identity in either of its two SQL types.
RowId row_at(const int64_t* rows, idx_t i) { return rows[i]; }
RowId row_at(const duckdb_hugeint* rows, idx_t i) { return {rows[i].upper, rows[i].lower}; }

std::string_view text_at(duckdb_vector vector, idx_t i) {
  uint64_t* validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, i)) return {};
  auto* strings = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  return {duckdb_string_t_data(&strings[i]), duckdb_string_t_length(strings[i])};
}

/// What the functions have in common: `tell(observer, count)` says what became of a chunk's rows,
/// and all of them are answered with `verdict`.
template <class Tell>
void answer(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
            int32_t verdict, Tell tell) {
  const idx_t count = duckdb_data_chunk_get_size(input);
  if (count == 0) return;
  RowObserver* observer = find_observer(info, data<int64_t>(input, 0)[0]);
  if (observer == nullptr) return;
  tell(*observer, count);
  std::fill_n(static_cast<int32_t*>(duckdb_vector_get_data(output)), count, verdict);
}

/// weir_reject(slot BIGINT, row, rule INTEGER, value VARCHAR) → INTEGER, always NULL
template <class Row>
void reject(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  answer(info, input, output, 0, [&](RowObserver& observer, idx_t count) {
    duckdb_vector_ensure_validity_writable(output);
    uint64_t* validity = duckdb_vector_get_validity(output);
    const auto* rows = data<Row>(input, 1);
    const auto* rules = data<int32_t>(input, 2);
    duckdb_vector values = duckdb_data_chunk_get_vector(input, 3);
    for (idx_t i = 0; i < count; ++i) {
      observer.reject(row_at(rows, i), rules[i], text_at(values, i));
      duckdb_validity_set_row_invalid(validity, i);
    }
  });
}

/// weir_filtered(slot BIGINT, row) → INTEGER, always 2
template <class Row>
void filtered(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  answer(info, input, output, verdict_filtered, [&](RowObserver& observer, idx_t count) {
    const auto* rows = data<Row>(input, 1);
    for (idx_t i = 0; i < count; ++i) observer.filtered(row_at(rows, i));
  });
}

/// weir_seen(slot BIGINT, row BIGINT) → INTEGER, always 1
void seen(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  answer(info, input, output, 1,
         [](RowObserver& observer, idx_t count) { observer.read(0, count); });
}

/// weir_seen(slot BIGINT, row HUGEINT, more BOOLEAN): the same behind an unnest, where a record is
/// seen by the first of its rows.
void seen_first(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  answer(info, input, output, 1, [&](RowObserver& observer, idx_t count) {
    const auto* more = data<bool>(input, 2);
    observer.read(0, static_cast<uint64_t>(std::count(more, more + count, false)));
  });
}

/// weir_expanded(slot BIGINT, row HUGEINT, more BOOLEAN) → INTEGER, always 1. `more`: the row is
/// not the first of its record.
void expanded(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  answer(info, input, output, 1, [&](RowObserver& observer, idx_t count) {
    const auto* rows = data<duckdb_hugeint>(input, 1);
    const auto* more = data<bool>(input, 2);
    uint64_t rows_more = 0;
    for (idx_t i = 0; i < count; ++i) {
      const uint16_t of = input_of(rows[i].upper);
      rows_more += more[i] ? 1 : 0;
      if (rows_more > 0 && (i + 1 == count || input_of(rows[i + 1].upper) != of)) {
        observer.expanded(of, rows_more);
        rows_more = 0;
      }
    }
  });
}

/// weir_produced(slot BIGINT, row, entry_step INTEGER, json VARCHAR) → INTEGER, always 0
template <class Row>
void produced(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  answer(info, input, output, 0, [&](RowObserver& observer, idx_t count) {
    const auto* rows = data<Row>(input, 1);
    const auto* steps = data<int32_t>(input, 2);
    duckdb_vector texts = duckdb_data_chunk_get_vector(input, 3);
    for (idx_t i = 0; i < count; ++i) {
      observer.produced(row_at(rows, i), steps[i], text_at(texts, i));
    }
  });
}

/// One of the functions of a name.
struct Overload {
  std::vector<duckdb_type> parameters;
  duckdb_scalar_function_t function;
};

duckdb_scalar_function make_verdict(const char* name, const Overload& overload,
                                    SlotRegistry& slots) {
  duckdb_scalar_function made = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(made, name);
  for (const duckdb_type parameter : overload.parameters) {
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
  duckdb_scalar_function_set_function(made, overload.function);
  return made;
}

Result<void> register_verdict(duckdb_connection connection, SlotRegistry& slots, const char* name,
                              const std::vector<Overload>& overloads) {
  duckdb_scalar_function_set set = duckdb_create_scalar_function_set(name);
  bool good = true;
  for (const Overload& overload : overloads) {
    duckdb_scalar_function made = make_verdict(name, overload, slots);
    good = duckdb_add_scalar_function_to_set(set, made) == DuckDBSuccess && good;
    duckdb_destroy_scalar_function(&made);
  }
  good = good && duckdb_register_scalar_function_set(connection, set) == DuckDBSuccess;
  duckdb_destroy_scalar_function_set(&set);
  if (!good) return fail(ErrorCode::internal, std::string("cannot register ") + name);
  return {};
}

}  // namespace

Result<void> register_verdict_functions(duckdb_connection connection, SlotRegistry& slots) {
  constexpr duckdb_type slot = DUCKDB_TYPE_BIGINT;
  constexpr duckdb_type record = DUCKDB_TYPE_BIGINT;
  constexpr duckdb_type row = DUCKDB_TYPE_HUGEINT;
  constexpr duckdb_type integer = DUCKDB_TYPE_INTEGER;
  constexpr duckdb_type text = DUCKDB_TYPE_VARCHAR;
  WEIR_TRY(
      register_verdict(connection, slots, "weir_seen",
                       {{{slot, record}, seen}, {{slot, row, DUCKDB_TYPE_BOOLEAN}, seen_first}}));
  WEIR_TRY(register_verdict(connection, slots, "weir_expanded",
                            {{{slot, row, DUCKDB_TYPE_BOOLEAN}, expanded}}));
  WEIR_TRY(register_verdict(
      connection, slots, "weir_filtered",
      {{{slot, record}, filtered<int64_t>}, {{slot, row}, filtered<duckdb_hugeint>}}));
  WEIR_TRY(register_verdict(connection, slots, "weir_produced",
                            {{{slot, record, integer, text}, produced<int64_t>},
                             {{slot, row, integer, text}, produced<duckdb_hugeint>}}));
  return register_verdict(connection, slots, "weir_reject",
                          {{{slot, record, integer, text}, reject<int64_t>},
                           {{slot, row, integer, text}, reject<duckdb_hugeint>}});
}

}  // namespace weir::duckdb
