#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "config/bind.h"
#include "config/values.h"
#include "model/test_case.h"

namespace weir::config {

using CaseRowEntry = std::vector<Named<CaseValue>>;

/// `[{id: 1}]`, `{file: rows.csv}`, or, of a table that is expected, with more to say.
struct CaseRowsEntry {
  std::optional<std::vector<Located<CaseRowEntry>>> rows;
  std::optional<Located<std::string>> file;
  std::vector<Located<std::string>> only, order_by;
  Location location;  ///< of the rows, or of the file's name
};

/// `landing/a.csv: {file: fixtures/a.csv}`, `{text: …}` or `{rows: […]}`
struct GivenObjectEntry {
  std::optional<Located<std::string>> file, text;
  std::optional<std::vector<Located<CaseRowEntry>>> rows;
  Location location;
};

struct GivenEntry {
  std::vector<Named<GivenObjectEntry>> objects;
  std::vector<Named<CaseRowsEntry>> tables;
};

/// `rows: {read: 3, rejected: 1}`
struct RowCountsEntry {
  std::vector<ExpectedCount> counts;
};

struct ReceiptEntry {
  std::optional<Located<RunState>> status;
  std::optional<RowCountsEntry> rows;
  Location location;
};

/// One receipt, several in the order they are made, or those of each input by its name.
struct ReceiptsEntry {
  std::vector<Named<std::vector<ReceiptEntry>>> named;  ///< an empty name: all of the case
};

/// A rejected row or a notice: what is named of it.
struct MembersEntry {
  std::vector<std::pair<std::string, std::string>> members;
  Location location;
};

struct ExpectEntry {
  std::optional<ReceiptsEntry> receipt;
  std::vector<Named<CaseRowsEntry>> tables;
  std::optional<std::vector<MembersEntry>> rejects, notices;
  std::optional<Located<std::string>> error;
  Location location;
};

/// An entry of `tests`.
struct TestEntry {
  std::vector<Located<std::string>> pipelines;
  std::optional<Located<Timestamp>> at;
  GivenEntry given;
  ExpectEntry expect;
  Location location;
};
Value<TestEntry> test_value();

}  // namespace weir::config
