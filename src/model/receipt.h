#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/names.h"
#include "model/object_ref.h"

namespace weir {

/// queued → running → one of the others. partial: loaded, and some rows were rejected.
enum class RunState { queued, running, succeeded, partial, failed, skipped, parked };

std::string_view to_string(RunState state);
std::optional<RunState> parse_run_state(std::string_view text);

struct RowCounts {
  uint64_t read = 0;
  uint64_t expanded = 0;
  uint64_t folded = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t unchanged = 0;
  uint64_t deduplicated = 0;
  uint64_t filtered = 0;
  uint64_t rejected = 0;
  uint64_t replaced = 0;  ///< what mode replace deleted from the table first; not in the balance

  uint64_t loaded() const { return inserted + updated + unchanged; }
  /// read + expanded − folded = loaded + deduplicated + filtered + rejected
  bool balances() const {
    return read + expanded == folded + loaded() + deduplicated + filtered + rejected;
  }
  bool operator==(const RowCounts&) const = default;
};

/// One broken rule of one row.
struct Problem {
  std::string field;         ///< column name; empty when the whole record is broken
  std::string rule;          ///< "bigint", "required", ">= 0", "json", "select", …
  std::string value;         ///< the offending text, at most 200 bytes
  std::string message = {};  ///< one sentence for people
};

/// A row that did not get in. All its problems are told, so that it is mended once.
struct Reject {
  uint64_t element = 0;  ///< ordinal of the record in its input, from 1
  uint64_t line = 0;     ///< line its record starts on, from 1; 0 where lines mean nothing
  uint64_t byte_begin = 0, byte_end = 0;  ///< in the (decompressed) input; end exclusive
  std::vector<Problem> problems;          ///< never empty
  std::string raw;                        ///< the record's own text, at most 4096 bytes
  /// The row the steps had made of the record (a JSON object), when one record makes many rows or
  /// many records one; at most 4096 bytes. Empty: the row is the record.
  std::string produced = {};
  int entry_step = 0;  ///< index of the step at which `produced` goes on; 0 = the source
};

/// The verdict on one input. The same on every channel.
struct Receipt {
  static constexpr size_t listed_rejects = 100;

  RunId run;
  PipelineName pipeline;
  std::optional<ObjectRef> object;
  ObjectVersion version;
  RunState status = RunState::queued;
  RowCounts rows;
  std::vector<Reject> rejects;  ///< the first `listed_rejects`
  /// Rejected rows by the first rule they broke; known to who made them, not written down.
  std::map<std::string, uint64_t> broken_rules;
  std::optional<Error> error;  ///< why it failed or was parked
  double duration_ms = 0;
  /// The slower way the rows travelled to a server, and why; empty: the usual one. Not in ledgers.
  std::string way;
};

}  // namespace weir
