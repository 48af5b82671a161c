#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/byte_stream.h"
#include "text/record_block.h"

namespace weir::text {

/// Where a block of records lay; kept for every block so that records can be found again.
struct BlockEntry {
  static constexpr uint32_t unknown = 0xffff'ffff;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint32_t records = unknown;
};
using BlockIndex = std::vector<BlockEntry>;  ///< by sequence

/// Cuts an input into blocks of whole records, for several threads that parse them.
///
///     RecordBlocks blocks(stream, options);
///     // in each thread:
///     RecordBlock block;
///     while (WEIR_TRY(blocks.next(block))) {
///       JsonRecords records(block);
///       for (RecordSlice record; records.next(record);) …
///       blocks.digest(block);
///       blocks.finish(block, records.count());
///     }
///
/// Memory: per block in use at most max_record_bytes + 2 chunks, and 4 bytes per record of an array
/// or of values; the same once here; and 56 bytes per 4 MiB read. Reading, decompressing and
/// finding the last record end happen under a lock; parsing and (for plain input) digesting outside
/// of it. Which records an input has depends on its bytes and the options alone, never on timing.
///
/// What is a record:
/// - JSON lines: what stands on a line that is not blank. JSON array: each element. JSON values:
///   each top-level value. `automatic`: an input that starts with '[' is an array; one that starts
///   with '{' and whose first line is not one whole value by its brackets (the line ends inside of
///   it, or a second '{' follows it) is values, else lines. An array that ends too early, or text
///   behind it, gives one more, broken record. An array's element that is not closed within
///   max_record_bytes, or at all, is read again by the rules of text/json_element_walker.h, which
///   end it where JSON cannot go on; all elements behind it are read so, too.
/// - CSV: ends at \n, \r\n or a \r alone outside quotes. A quote opens a quoted field only as the
///   field's first byte; elsewhere in an unquoted field it is text. Behind a closing quote only the
///   delimiter or the line's end may come: else the record is broken and ends with that line. A
///   quoted field that does not end within max_record_bytes of its record's start, or at all,
///   breaks its first line only, and reading goes on with the line behind it (after 16 of these so
///   close together, what was looked through becomes one broken record).
/// - A record longer than max_record_bytes is broken; it ends where it would have ended (CSV: at
///   the next line end, quotes no longer counting).
/// - A byte order mark is skipped. UTF-16, UTF-32 and compressed bytes are invalid_input.
class RecordBlocks {
 public:
  /// `stream` holds the raw bytes, is read by nobody else and must outlive this object.
  RecordBlocks(io::ByteStream& stream, RecordOptions options);
  ~RecordBlocks();
  RecordBlocks(const RecordBlocks&) = delete;
  RecordBlocks& operator=(const RecordBlocks&) = delete;

  /// Reads the beginning: encoding, layout, header. next() does it when it has not been done;
  /// afterwards header() and layout() are known. Thread-safe. Errors: as next().
  Result<void> open();

  /// The next block, or false at the end. A block may hold no record. Thread-safe. Errors: those of
  /// the stream; invalid_input (encoding, header, damaged compression); invalid_project (a dialect
  /// that contradicts itself). An error stays: every later call returns it.
  Result<bool> next(RecordBlock& block);

  /// Digests the raw bytes that came with the block (those of a compressed or small input have been
  /// digested already). Once per block, any thread, before the block goes back into next().
  void digest(const RecordBlock& block);

  /// Notes how many records the cursor gave, which makes locating them quicker. Thread-safe.
  void finish(const RecordBlock& block, uint32_t records);

  /// CSV: the header's fields, unescaped; empty when there is none. After open() or next().
  const std::vector<std::string>& header() const;
  RecordLayout layout() const;

  /// Raw bytes read so far; the whole input's size at the end. Thread-safe.
  uint64_t bytes_read() const;

  /// After next() returned false and every block was digested. Errors: internal (not yet so).
  Result<ObjectVersion> version() const;
  /// After next() returned false.
  const BlockIndex& index() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::text
