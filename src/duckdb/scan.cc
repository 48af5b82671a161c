#include "duckdb/scan.h"

#include <atomic>
#include <optional>

#include "duckdb/decoder.h"
#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

/// One execution, shared by its threads.
struct ScanState {
  ScanSlot* slot = nullptr;
  // output vector → source column; behind those come the row key and the default flags
  std::vector<idx_t> columns;
  std::atomic<size_t> input{0};
};

/// One thread of one execution.
struct ScanThread {
  std::unique_ptr<Decoder> decoder;
  text::RecordBlock block;
  uint16_t input = 0;
  bool open = false;  // the block still has records
  std::vector<duckdb_vector> vectors;
  std::vector<bool*> flags;  // by source column; null: it has none, or nobody wants it
  std::vector<int64_t> rows;
};

template <class T>
void destroy(void* owned) {
  delete static_cast<T*>(owned);
}

void bind(duckdb_bind_info info) {
  duckdb_value value = duckdb_bind_get_parameter(info, 0);
  const int64_t id = duckdb_is_null_value(value) ? 0 : duckdb_get_int64(value);
  duckdb_destroy_value(&value);
  ScanSlot* slot = static_cast<SlotRegistry*>(duckdb_bind_get_extra_info(info))->find(id);
  if (slot == nullptr) {
    duckdb_bind_set_error(info, "weir's own functions work inside pipelines only");
    return;
  }
  for (const ReadColumn& column : slot->columns()) {
    duckdb_logical_type type = make_logical_type(column.type);
    duckdb_bind_add_result_column(info, column.name.c_str(), type);
    duckdb_destroy_logical_type(&type);
  }
  duckdb_logical_type bigint = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
  duckdb_bind_add_result_column(info, "weir_row", bigint);
  duckdb_destroy_logical_type(&bigint);
  duckdb_logical_type boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
  for (const size_t column : slot->defaults()) {
    duckdb_bind_add_result_column(info, default_flag(column).c_str(), boolean);
  }
  duckdb_destroy_logical_type(&boolean);
  duckdb_bind_set_bind_data(info, new ScanSlot*(slot), destroy<ScanSlot*>);
}

void init(duckdb_init_info info) {
  auto state = std::make_unique<ScanState>();
  state->slot = *static_cast<ScanSlot**>(duckdb_init_get_bind_data(info));
  if (state->slot->observer() == nullptr) {
    duckdb_init_set_error(info, "weir's own functions work inside pipelines only");
    return;
  }
  const idx_t columns = duckdb_init_get_column_count(info);
  for (idx_t i = 0; i < columns; ++i) {
    state->columns.push_back(duckdb_init_get_column_index(info, i));
  }
  duckdb_init_set_max_threads(info, static_cast<idx_t>(state->slot->threads()));
  duckdb_init_set_init_data(info, state.release(), destroy<ScanState>);
}

void init_thread(duckdb_init_info info) {
  auto thread = std::make_unique<ScanThread>();
  const ScanSlot& slot = **static_cast<ScanSlot**>(duckdb_init_get_bind_data(info));
  thread->decoder = slot.format() == Format::csv ? make_csv_decoder(slot) : make_json_decoder(slot);
  thread->vectors.resize(slot.columns().size());
  thread->flags.resize(slot.columns().size());
  thread->rows.resize(duckdb_vector_size());
  duckdb_init_set_init_data(info, thread.release(), destroy<ScanThread>);
}

void close_block(ScanState& state, ScanThread& thread) {
  text::RecordBlocks& blocks = *state.slot->inputs()[thread.input];
  blocks.finish(thread.block, thread.decoder->records());
  blocks.digest(thread.block);
  state.slot->observer()->read(thread.input, thread.decoder->records());
  thread.open = false;
}

/// Takes the next block of any input. False: nothing is left, or the scan has to stop.
Result<bool> next_block(ScanState& state, ScanThread& thread) {
  const auto& inputs = state.slot->inputs();
  while (true) {
    const size_t input = state.input;
    if (input >= inputs.size()) return false;
    if (state.slot->observer()->should_stop()) {
      return fail(ErrorCode::cancelled, "the scan was stopped");
    }
    auto got = inputs[input]->next(thread.block);
    if (got && *got) {
      thread.input = static_cast<uint16_t>(input);
      const auto begun = thread.decoder->begin(thread.input, thread.block, *inputs[input]);
      if (begun) {
        thread.open = true;
        return true;
      }
      got = fail(begun.error());
    }
    size_t expected = input;
    const bool last = got && state.input.compare_exchange_strong(expected, input + 1);
    if (last) {
      const auto ended = thread.decoder->end(static_cast<uint16_t>(input), *inputs[input]);
      if (!ended) got = fail(ended.error());
    }
    if (!got) {
      state.slot->observer()->input_failed(static_cast<uint16_t>(input), got.error());
      return fail(got.error());
    }
  }
}

void scan(duckdb_function_info info, duckdb_data_chunk output) {
  ScanState& state = *static_cast<ScanState*>(duckdb_function_get_init_data(info));
  ScanThread& thread = *static_cast<ScanThread*>(duckdb_function_get_local_init_data(info));
  const size_t columns = state.slot->columns().size();

  std::fill(thread.vectors.begin(), thread.vectors.end(), nullptr);
  std::fill(thread.flags.begin(), thread.flags.end(), nullptr);
  duckdb_vector row_keys = nullptr;
  for (size_t i = 0; i < state.columns.size(); ++i) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(output, i);
    const idx_t column = state.columns[i];
    if (column < columns) {
      thread.vectors[column] = vector;
    } else if (column == columns) {
      row_keys = vector;
    } else {
      thread.flags[state.slot->defaults()[column - columns - 1]] =
          static_cast<bool*>(duckdb_vector_get_data(vector));
    }
  }
  idx_t good = 0;
  while (good == 0) {  // an empty chunk would end the scan
    if (!thread.open) {
      const auto more = next_block(state, thread);
      if (!more) {
        duckdb_function_set_error(info, more.error().to_string().c_str());
        return;
      }
      if (!*more) break;
    }
    thread.decoder->attach(thread.vectors, thread.flags);
    good = thread.decoder->decode(duckdb_vector_size(), thread.rows.data());
    // Long texts point into the block: it stays until the next call.
    if (!thread.decoder->pending()) close_block(state, thread);
  }
  if (row_keys != nullptr) {
    std::copy_n(thread.rows.begin(), good, static_cast<int64_t*>(duckdb_vector_get_data(row_keys)));
  }
  duckdb_data_chunk_set_size(output, good);
}

}  // namespace

ScanSlot::ScanSlot(Database& database, Format format, std::vector<ReadColumn> columns,
                   CsvDialect dialect)
    : database_(database),
      id_(database.state_->slots.add(*this)),
      format_(format),
      dialect_(dialect),
      columns_(std::move(columns)) {}

ScanSlot::~ScanSlot() { database_.state_->slots.remove(id_); }

void ScanSlot::set_inputs(std::vector<text::RecordBlocks*> inputs, RowObserver& observer,
                          int threads) {
  inputs_ = std::move(inputs);
  observer_ = &observer;
  threads_ = threads;
}

void ScanSlot::clear_inputs() {
  inputs_.clear();
  observer_ = nullptr;
}

RowId parse_row_id(std::string_view text, bool ordinals) {
  unsigned __int128 number = 0;
  for (const char digit : text) number = number * 10 + static_cast<unsigned>(digit - '0');
  if (!ordinals) return {static_cast<int64_t>(number)};
  return {static_cast<int64_t>(number >> ordinal_bits), static_cast<uint64_t>(number)};
}

Result<void> register_scan_function(duckdb_connection connection, SlotRegistry& slots) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "weir_scan");
  duckdb_logical_type bigint = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
  duckdb_table_function_add_parameter(function, bigint);
  duckdb_destroy_logical_type(&bigint);
  duckdb_table_function_set_extra_info(function, &slots, nullptr);
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_local_init(function, init_thread);
  duckdb_table_function_set_function(function, scan);
  duckdb_table_function_supports_projection_pushdown(function, true);
  const duckdb_state state = duckdb_register_table_function(connection, function);
  duckdb_destroy_table_function(&function);
  if (state != DuckDBSuccess) return fail(ErrorCode::internal, "cannot register weir_scan");
  return {};
}

}  // namespace weir::duckdb
