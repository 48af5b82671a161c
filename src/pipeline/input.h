#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "model/run.h"
#include "objects/bucket.h"
#include "pipeline/ledger.h"
#include "text/record_blocks.h"

namespace weir::pipeline {

/// One object on its way through a load. Movable; the blocks point to the stream, both on the heap.
struct Input {
  const Run* run = nullptr;
  objects::Bucket* bucket = nullptr;
  LedgerKey key;
  std::optional<LedgerEntry> latest;  ///< what the ledger last committed for the key
  objects::ObjectStat before;         ///< as it was when reading began
  text::RecordOptions options;
  std::unique_ptr<io::ByteStream> stream;
  std::unique_ptr<text::RecordBlocks> blocks;
  std::optional<ObjectVersion> expected;  ///< computed beforehand, when the size alone said nothing
  ObjectVersion version;                  ///< of what was read

  /// Opens it from the start (again). Errors: not_found, io.
  Result<void> open();
  /// After the scan: the version of what was read. Errors: input_changed.
  Result<void> close();
};

}  // namespace weir::pipeline
