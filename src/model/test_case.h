#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/location.h"
#include "model/names.h"
#include "model/object_ref.h"
#include "model/receipt.h"

namespace weir {

/// A cell of a fixture or of an expectation, as somebody wrote it.
struct CaseValue {
  enum class Kind {
    null,
    text,  ///< a scalar; where a column's type is known, in that type's own spelling
    json,  ///< a list or a map, as JSON
  };
  Kind kind = Kind::null;
  std::string text;
  bool bare = false;  ///< a scalar without quotes: `1` and `true` may be more than text
  Location location;
};

struct CaseCell {
  std::string column;
  CaseValue value;
  Location location;  ///< of the name
};

struct CaseRow {
  std::vector<CaseCell> cells;
  Location location;

  const CaseCell* find(const std::string& column) const;
};

/// A file beside the project file, relative to the project's folder.
struct CaseFile {
  std::string path;
  Location location;
};

/// Rows written out, or those of a file (CSV with a header, JSON).
struct CaseRows {
  std::optional<CaseFile> file;
  std::vector<CaseRow> rows;
  Location location;
};

/// What lies in a bucket when the case begins: one of the three.
struct GivenObject {
  ObjectRef object;
  std::optional<CaseFile> file;
  std::optional<std::string> text;
  std::optional<std::vector<CaseRow>> rows;  ///< to be written in the format of who reads them
  Location location;
};

struct GivenTable {
  TableName table;
  CaseRows rows;
  Location location;
};

struct ExpectedCount {
  std::string counter;  ///< as the receipt names it
  uint64_t rows = 0;
  Location location;
};

/// What is named is compared, the rest may be anything.
struct ExpectedReceipt {
  std::optional<RunState> status;
  std::vector<ExpectedCount> counts;
  Location location;
};

/// The receipts of one input or pipeline, or all of the case, in the order they are made.
struct ExpectedReceipts {
  std::string of;  ///< "bucket/key" or a pipeline's name; empty: all of the case
  std::vector<ExpectedReceipt> receipts;
  Location location;
};

struct CaseOrder {
  std::string column;
  bool descending = false;
};

/// All rows of a table, in the columns that the rows name.
struct ExpectedTable {
  TableName table;
  CaseRows rows;
  std::vector<std::string> only;    ///< compare these columns alone; empty: all that are named
  std::vector<CaseOrder> order_by;  ///< empty: the order does not matter
  Location location;
};

/// One problem of one rejected row, or one notice; what is named is compared.
struct ExpectedMembers {
  std::vector<std::pair<std::string, std::string>> members;  ///< "line": "2", "field": "id", …
  Location location;
};

/// A text that must be part of another.
struct ExpectedText {
  std::string text;
  Location location;
};

/// An entry of `tests`: pipelines run on given data in a place of their own, and what must come
/// out.
struct TestCase {
  std::string name;
  std::vector<PipelineName> pipelines;  ///< in the order they run
  std::optional<Timestamp> at;          ///< the clock, and what the runs are scheduled for
  std::vector<GivenObject> objects;     ///< in the order they arrive
  std::vector<GivenTable> tables;
  std::vector<ExpectedReceipts> receipts;
  std::vector<ExpectedTable> expected_tables;
  std::optional<std::vector<ExpectedMembers>> rejects;  ///< all of them; none: any
  std::optional<std::vector<ExpectedMembers>> notices;  ///< likewise
  std::optional<ExpectedText> error;
  Location location;
};

}  // namespace weir
