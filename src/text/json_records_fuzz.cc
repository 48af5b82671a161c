// Cutting any bytes as JSON: agrees with the obvious reading, whatever the chunk size; ranges are
// ordered, disjoint and inside the input; what lies between records is blank or a separator.
#include "base/check.h"
#include "text/fuzz_input.h"
#include "text/slow_json_for_test.h"

namespace weir::text {
namespace {

constexpr size_t chunk_sizes[] = {1, 2, 7, 63, 64, 65, 1'000, digest_block_bytes};

void check_ranges(std::string_view text, const SeenInput& seen) {
  uint64_t end = 0;
  const auto check_gap = [&](uint64_t begin) {
    WEIR_CHECK(begin >= end && begin <= text.size(), "ranges are ordered and inside the input");
    std::string_view gap = text.substr(end, begin - end);
    if (end == 0 && gap.starts_with("\xef\xbb\xbf")) gap.remove_prefix(3);
    const std::string_view separators =
        seen.layout == RecordLayout::array ? " \t\r\n,[]" : " \t\r\n";
    WEIR_CHECK(gap.find_first_not_of(separators) == std::string_view::npos,
               "no byte is lost between records");
  };
  for (const SeenRecord& record : seen.records) {
    check_gap(record.offset);
    end = record.offset + record.length;
    WEIR_CHECK(end <= text.size(), "a record ends inside the input");
  }
  check_gap(text.size());
}

void check(std::string_view text, RecordOptions options) {
  const auto whole = see_all(text, options);
  if (whole) {
    check_ranges(text, *whole);
    size_t begin = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
    // With a layout to be told from the content, blanks in front belong to no line.
    while (options.layout != JsonLayout::lines && begin < text.size() &&
           is_json_blank(text[begin])) {
      ++begin;
    }
    SlowJson slow(text, options.max_record_bytes);
    std::vector<SeenRecord> expected;
    if (whole->layout == RecordLayout::lines) {
      expected = slow.lines(begin);
    } else if (whole->layout == RecordLayout::array) {
      expected = slow.array(begin + 1);
    } else {
      expected = slow.values(begin);
    }
    WEIR_CHECK(whole->records == expected, "the obvious reading finds the same");
  }
  for (const size_t chunk : chunk_sizes) {
    options.chunk_bytes = chunk;
    const auto pieces = see_all(text, options);
    WEIR_CHECK(pieces.has_value() == whole.has_value(), "chunks do not decide about errors");
    if (!whole) continue;
    WEIR_CHECK(pieces->layout == whole->layout, "chunks do not decide about the layout");
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
  constexpr JsonLayout layouts[] = {JsonLayout::automatic, JsonLayout::array, JsonLayout::lines};
  options.layout = layouts[input.choose(3)];
  const uint8_t limit = input.choose(255);
  if (limit > 0) options.max_record_bytes = limit;
  check(input.rest(), options);
  return 0;
}
