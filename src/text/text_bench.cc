// How fast records are cut and values read. Bytes per second on one thread.
#include <benchmark/benchmark.h>

#include <string>

#include "io/memory_stream.h"
#include "text/csv_records.h"
#include "text/json_records.h"
#include "text/record_blocks.h"
#include "text/spelling.h"

namespace weir::text {
namespace {

constexpr size_t input_bytes = 64u << 20;

std::string session(uint64_t number) {
  std::string text = "{\"userId\": \"" + std::to_string(number * 2654435761u) +
                     "\", \"visitId\": " + std::to_string(1'500'000'000 + number) +
                     ", \"city\": \"Mountain View\", \"hit\": [";
  for (uint64_t hit = 0; hit < 3 + number % 9; ++hit) {
    text += (hit > 0 ? ", " : "") + std::string("{\"hitNumber\": ") + std::to_string(hit) +
            ", \"time\": " + std::to_string(hit * 1'337) +
            ", \"type\": \"PAGE\", \"page\": \"/google+redesign/apparel/mens\"}";
  }
  return text + "]}";
}

std::string sessions(const char* before, const char* between) {
  std::string text = before;
  for (uint64_t i = 0; text.size() < input_bytes; ++i) text += session(i) + between;
  return text;
}

std::string employees(bool quoted) {
  std::string text;
  const std::string quote = quoted ? "\"" : "";
  for (uint64_t i = 1; text.size() < input_bytes; ++i) {
    const std::string number = std::to_string(i);
    for (const std::string& field : {number, std::string("Harold Vogt"),
                                     std::string("2021-11-07T02:48:42Z"), std::string("2")}) {
      text += quote + field + quote + ",";
    }
    text += quote + "96" + quote + "\n";
  }
  return text;
}

template <class Records>
void read_all(benchmark::State& state, const std::string& text, RecordOptions options) {
  options.digest = false;
  RecordBlock block;
  for (auto _ : state) {
    io::MemoryStream stream(text);
    RecordBlocks blocks(stream, options);
    uint64_t records = 0;
    while (*blocks.next(block)) {
      Records cursor(block);
      for (RecordSlice record; cursor.next(record);) {
        if constexpr (std::is_same_v<Records, CsvRecords>) {
          benchmark::DoNotOptimize(cursor.fields().data());
        }
      }
      records += cursor.count();
    }
    benchmark::DoNotOptimize(records);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void blocks_only(benchmark::State& state, const std::string& text, RecordOptions options) {
  options.digest = state.range(0) != 0;
  RecordBlock block;
  for (auto _ : state) {
    io::MemoryStream stream(text);
    RecordBlocks blocks(stream, options);
    while (*blocks.next(block)) blocks.digest(block);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

RecordOptions csv() {
  RecordOptions options;
  options.format = Format::csv;
  options.csv.header = false;
  return options;
}

void json_lines(benchmark::State& state) {
  static const std::string text = sessions("", "\n");
  read_all<JsonRecords>(state, text, {});
}
void json_array(benchmark::State& state) {
  static const std::string text = sessions("[", ",\n");
  read_all<JsonRecords>(state, text, {});
}
void json_values(benchmark::State& state) {
  static const std::string text = sessions("{}", "");
  read_all<JsonRecords>(state, text, {});
}
void csv_plain(benchmark::State& state) {
  static const std::string text = employees(false);
  read_all<CsvRecords>(state, text, csv());
}
void csv_quoted(benchmark::State& state) {
  static const std::string text = employees(true);
  read_all<CsvRecords>(state, text, csv());
}
void csv_quoted_blocks(benchmark::State& state) {
  static const std::string text = employees(true);
  blocks_only(state, text, csv());
}
void json_lines_blocks(benchmark::State& state) {
  static const std::string text = sessions("", "\n");
  blocks_only(state, text, {});
}
BENCHMARK(json_lines)->Unit(benchmark::kMillisecond);
BENCHMARK(json_array)->Unit(benchmark::kMillisecond);
BENCHMARK(json_values)->Unit(benchmark::kMillisecond);
BENCHMARK(csv_plain)->Unit(benchmark::kMillisecond);
BENCHMARK(csv_quoted)->Unit(benchmark::kMillisecond);
BENCHMARK(csv_quoted_blocks)->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK(json_lines_blocks)->ArgName("digest")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

template <class Parse>
void spell(benchmark::State& state, std::string_view text, Parse parse) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    benchmark::DoNotOptimize(parse(text));
  }
}

void spell_bigint(benchmark::State& state) {
  int64_t value = 0;
  spell(state, "1498921578", [&](std::string_view text) { return parse_integer(text, value); });
}
void spell_decimal(benchmark::State& state) {
  __int128 value = 0;
  spell(state, "9117776942963408674",
        [&](std::string_view text) { return parse_decimal(text, 20, 0, value); });
}
void spell_double(benchmark::State& state) {
  double value = 0;
  spell(state, "1234.5678", [&](std::string_view text) { return parse_double(text, value); });
}
void spell_date(benchmark::State& state) {
  int32_t value = 0;
  spell(state, "2021-11-07", [&](std::string_view text) { return parse_date(text, value); });
}
void spell_timestamptz(benchmark::State& state) {
  int64_t value = 0;
  spell(state, "2021-11-07T02:48:42Z",
        [&](std::string_view text) { return parse_timestamptz(text, value); });
}
void spell_utf8(benchmark::State& state) {
  spell(state, "Mountain View, California",
        [](std::string_view text) { return is_valid_utf8(text); });
}
BENCHMARK(spell_bigint);
BENCHMARK(spell_decimal);
BENCHMARK(spell_double);
BENCHMARK(spell_date);
BENCHMARK(spell_timestamptz);
BENCHMARK(spell_utf8);

}  // namespace
}  // namespace weir::text
