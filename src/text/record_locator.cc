#include "text/record_locator.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/check.h"
#include "text/csv_records.h"
#include "text/json_records.h"
#include "text/line_counter.h"

namespace weir::text {
namespace {

using Visit = std::function<void(const LocatedRecord&)>;

Error changed(uint64_t row) {
  Error error;
  error.code = ErrorCode::input_changed;
  error.message = "the input changed since it was read: record " + std::to_string(row_index(row)) +
                  " of block " + std::to_string(row_sequence(row)) + " is not there";
  error.fix = "run it again";
  return error;
}

// Visits the wanted records of one block; gives how many records it has in all, or how many were
// looked at when `stop_early`.
template <class Records>
uint32_t visit_block(const RecordBlock& block, std::span<const uint64_t> rows, bool stop_early,
                     uint64_t records_before, const Visit& visit) {
  Records records(block);
  LineCounter lines;
  size_t counted = 0;  // bytes of the block whose lines are counted
  size_t wanted = 0;
  RecordSlice record;
  while (!(stop_early && wanted == rows.size()) && records.next(record)) {
    if (wanted == rows.size() || row_index(rows[wanted]) != record.index) continue;
    const size_t begin = static_cast<size_t>(record.offset - block.offset());
    lines.add(block.data().substr(counted, begin - counted));
    counted = begin;
    visit({rows[wanted], records_before + record.index + 1, block.first_line() + lines.lines(),
           record.offset, record.offset + record.length, record.text.substr(0, raw_text_limit),
           record.broken});
    ++wanted;
  }
  return records.count();
}

}  // namespace

Result<void> locate_records(io::ByteStream& fresh, const RecordOptions& options,
                            const BlockIndex& index, std::span<const uint64_t> rows,
                            const Visit& visit) {
  RecordOptions again = options;
  again.digest = false;
  again.count_lines = true;
  RecordBlocks blocks(fresh, again);
  RecordBlock block;
  uint64_t records_before = 0;
  while (!rows.empty()) {
    const uint64_t sequence = row_sequence(rows.front());
    if (!WEIR_TRY(blocks.next(block)) || block.sequence() >= index.size()) {
      return fail(changed(rows.front()));
    }
    const BlockEntry& entry = index[block.sequence()];
    if (entry.offset != block.offset() || entry.length != blocks.index()[block.sequence()].length) {
      return fail(changed(rows.front()));
    }
    const auto behind = std::partition_point(rows.begin(), rows.end(), [&](uint64_t row) {
      return row_sequence(row) <= block.sequence();
    });
    const auto here = rows.first(static_cast<size_t>(behind - rows.begin()));
    WEIR_CHECK(here.empty() || sequence == block.sequence(), "rows are not sorted");
    const bool count_known = entry.records != BlockEntry::unknown;
    uint32_t records = entry.records;
    size_t visited = 0;
    if (!here.empty() || !count_known) {
      const Visit counting = [&](const LocatedRecord& record) {
        ++visited;
        visit(record);
      };
      const auto look =
          options.format == Format::csv ? visit_block<CsvRecords> : visit_block<JsonRecords>;
      const uint32_t seen = look(block, here, count_known, records_before, counting);
      if (!count_known) records = seen;
    }
    if (visited != here.size()) return fail(changed(here[visited]));
    rows = rows.subspan(here.size());
    records_before += records;
  }
  return {};
}

namespace {

template <class Records>
std::optional<FoundRecord> find_in_block(const RecordBlock& block, uint64_t& records_before,
                                         uint64_t element) {
  Records records(block);
  RecordSlice record;
  while (records.next(record)) {
    if (++records_before != element) continue;
    LineCounter lines;
    lines.add(block.data().substr(0, static_cast<size_t>(record.offset - block.offset())));
    return FoundRecord{block.first_line() + lines.lines(), record.offset,
                       record.offset + record.length,
                       std::string(record.text.substr(0, raw_text_limit))};
  }
  return std::nullopt;
}

}  // namespace

Result<FoundRecord> find_record(io::ByteStream& fresh, const RecordOptions& options,
                                uint64_t element) {
  RecordOptions again = options;
  again.digest = false;
  again.count_lines = true;
  RecordBlocks blocks(fresh, again);
  RecordBlock block;
  uint64_t records_before = 0;
  while (WEIR_TRY(blocks.next(block))) {
    const auto find =
        options.format == Format::csv ? find_in_block<CsvRecords> : find_in_block<JsonRecords>;
    if (auto found = find(block, records_before, element)) return *std::move(found);
  }
  return fail(ErrorCode::not_found, "the input has only " + std::to_string(records_before) +
                                        " records, and none with the number " +
                                        std::to_string(element));
}

}  // namespace weir::text
