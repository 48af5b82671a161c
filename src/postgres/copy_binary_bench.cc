#include <benchmark/benchmark.h>

#include <array>

#include "postgres/column_for_test.h"
#include "postgres/copy_binary.h"
#include "postgres/copy_text.h"
#include "postgres/value_guard.h"

// Rows per second of one thread: the five columns (id, name, moment, two small integers) of the
// bulk load that bench/run.py measures end to end.

namespace weir::postgres {
namespace {

constexpr size_t rows = 2048;

struct Batch {
  Batch() {
    for (size_t i = 0; i < rows; ++i) {
      ids.add(static_cast<int64_t>(i * 7919));
      names.add_text("Customer number " + std::to_string(i * 104'729 % 100'000));
      moments.add(static_cast<int64_t>(1'600'000'000'000'000 + i * 1'234'567));
      departments.add(static_cast<int16_t>(i % 12));
      jobs.add(static_cast<int16_t>(i % 180));
      prices.add(static_cast<int64_t>(i * 1'000'003));
    }
    columns = {ids.view(), names.view(), moments.view(), departments.view(), jobs.view()};
    const TargetType targets[] = {{.oid = oid::int8},
                                  {.oid = oid::text},
                                  {.oid = oid::timestamp},
                                  {.oid = oid::int2},
                                  {.oid = oid::int2}};
    for (size_t i = 0; i < columns.size(); ++i) {
      auto plan = plan_column("c", *columns[i].type, targets[i]);
      if (!plan) std::abort();
      plans.push_back(std::move(*plan));
    }
  }

  BuiltColumn ids{"bigint"}, names{"varchar"}, moments{"timestamp"}, departments{"smallint"},
      jobs{"smallint"}, prices{"decimal(18,2)"};
  std::array<server::ColumnView, 5> columns;
  std::vector<ColumnPlan> plans;
};

size_t buffer_bytes(RowEncoder& encoder, const server::RowBatch& batch) {
  ByteBuffer buffer(size_t{1} << 20);
  encoder.encode(batch, 0, buffer);
  return buffer.size();
}

void encode(benchmark::State& state, RowEncoder& encoder, const server::RowBatch& batch,
            std::span<const ColumnPlan> plans) {
  ByteBuffer buffer(size_t{1} << 20);
  for (auto unused : state) {
    for (size_t i = 0; i < plans.size(); ++i) {
      if (find_fault(plans[i], batch.columns[i], batch.rows)) std::abort();
    }
    for (size_t row = 0; row < batch.rows;) {
      const size_t done = encoder.encode(batch, row, buffer);
      row += done;
      if (row < batch.rows) buffer.clear();
    }
    benchmark::DoNotOptimize(buffer.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * buffer_bytes(encoder, batch)));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch.rows));
}

void binary_rows(benchmark::State& state) {
  Batch batch;
  const auto encoder = make_binary_encoder(batch.plans);
  encode(state, *encoder, {rows, batch.columns}, batch.plans);
}
BENCHMARK(binary_rows);

void text_rows(benchmark::State& state) {
  Batch batch;
  const auto encoder = make_text_encoder(batch.plans);
  encode(state, *encoder, {rows, batch.columns}, batch.plans);
}
BENCHMARK(text_rows);

void binary_numerics(benchmark::State& state) {
  Batch batch;
  const std::array columns = {batch.prices.view()};
  const std::array plans = {*plan_column("p", batch.prices.type(), {.oid = oid::numeric})};
  const auto encoder = make_binary_encoder(plans);
  encode(state, *encoder, {rows, columns}, plans);
}
BENCHMARK(binary_numerics);

}  // namespace
}  // namespace weir::postgres
