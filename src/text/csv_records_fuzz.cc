// Cutting any bytes as CSV in any dialect: agrees with the obvious reading, whatever the chunk
// size; ranges are ordered, disjoint and inside the input; between records there are only line
// ends.
#include "base/check.h"
#include "text/fuzz_input.h"
#include "text/slow_csv_for_test.h"

namespace weir::text {
namespace {

constexpr size_t chunk_sizes[] = {1, 2, 7, 63, 64, 65, 1'000, digest_block_bytes};

void check_ranges(std::string_view text, size_t begin, const SeenInput& seen) {
  uint64_t end = begin;
  const auto check_gap = [&](uint64_t next) {
    WEIR_CHECK(next >= end && next <= text.size(), "ranges are ordered and inside the input");
    WEIR_CHECK(text.substr(end, next - end).find_first_not_of("\r\n") == std::string_view::npos,
               "no byte is lost between records");
  };
  for (const SeenRecord& record : seen.records) {
    check_gap(record.offset);
    end = record.offset + record.length;
    WEIR_CHECK(end <= text.size(), "a record ends inside the input");
    WEIR_CHECK(record.broken.empty() == !record.fields.empty(), "whole records have fields");
  }
  check_gap(text.size());
}

void check(std::string_view text, RecordOptions options) {
  const auto whole = see_all(text, options);
  if (whole && !options.csv.header && options.csv.skip_lines == 0) {
    const size_t begin = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
    check_ranges(text, begin, *whole);
    SlowCsv slow(text, options.csv, options.max_record_bytes, options.columns == 1);
    WEIR_CHECK(whole->records == slow.records(begin), "the obvious reading finds the same");
  }
  for (const size_t chunk : chunk_sizes) {
    options.chunk_bytes = chunk;
    const auto pieces = see_all(text, options);
    WEIR_CHECK(pieces.has_value() == whole.has_value(), "chunks do not decide about errors");
    if (!whole) continue;
    WEIR_CHECK(pieces->header == whole->header, "chunks do not decide about the header");
    WEIR_CHECK(pieces->records == whole->records, "chunks do not decide about records");
    WEIR_CHECK(pieces->version == whole->version, "chunks do not decide about the version");
  }
}

}  // namespace
}  // namespace weir::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::text;
  FuzzInput input(data, size);
  RecordOptions options;
  options.format = Format::csv;
  options.csv.header = input.choose(2) == 1;
  options.csv.delimiter = ",;\t|"[input.choose(4)];
  options.csv.quote = "\"'\0"[input.choose(3)];
  options.csv.escape = "\"\\'\0"[input.choose(4)];
  options.csv.skip_lines = input.choose(3);
  options.columns = input.choose(3);
  const uint8_t limit = input.choose(255);
  if (limit > 0) options.max_record_bytes = limit;
  check(input.rest(), options);
  return 0;
}
