#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/table_writer.h"
#include "model/names.h"
#include "model/receipt.h"
#include "owner/protocol.h"
#include "text/json.h"

namespace weir::cli {

/// What the owner's half of a verb sends and its presenter reads, each one JSON object:
/// accepted  {runs: [id…]}                  the runs are durable; each ends in one receipt
/// progress  {done, total, run, bytes_read, bytes_total, rows_read}
/// receipt   {receipt: {…}}
/// columns   {columns: [{name, type}…]}     before the first rows; types as DuckDB spells them
/// rows      {rows: [[text or null…]…]}
/// planned   {input: {…}}                   what a run would do with one input: a receipt and more
/// plan      {plan: {…}}                    what is true of all of them
/// drift     {tables, drifted}              how many were compared, and differ
/// left      {run, rejects}                 so many of the run's rejects are still unresolved
/// cursor    {cursor, ended}                where the rows of a log end; nothing more will come
/// top       {project, queued, …}           what weir is doing; see answer_top.cc
/// text      {text}                         as it is to be printed
struct ResultColumn {
  std::string name;
  std::string type;
};

/// How far a verb that waits for runs is.
struct RunsProgress {
  uint64_t done = 0, total = 0;                             ///< runs
  RunId run;                                                ///< the one waited for
  uint64_t bytes_read = 0, bytes_total = 0, rows_read = 0;  ///< of that run; total 0: not known
};

/// Rejects that a replay did not resolve.
struct RejectsLeft {
  RunId run;
  uint64_t rejects = 0;
};

text::Json accepted_frame(const std::vector<RunId>& runs);
text::Json progress_frame(const RunsProgress& progress);
text::Json receipt_frame(const Receipt& receipt);
text::Json text_frame(std::string text);
text::Json left_frame(const RejectsLeft& left);
text::Json columns_frame(const std::vector<ResultColumn>& columns);

std::vector<RunId> accepted_runs(const text::Json& frame);
RunsProgress progress_of(const text::Json& frame);
Result<Receipt> receipt_of(const text::Json& frame);
RejectsLeft left_of(const text::Json& frame);
std::vector<ResultColumn> columns_of(const text::Json& frame);

/// Gathers rows into `rows` frames for `sink`.
class RowFrames {
 public:
  explicit RowFrames(owner::FrameSink& sink) : sink_(sink) {}
  /// False: nobody reads any more.
  bool add(const TableRow& row);
  bool flush();

 private:
  owner::FrameSink& sink_;
  text::Json rows_ = text::Json::array();
  size_t bytes_ = 0;
};

/// The rows of a `rows` frame.
std::vector<TableRow> rows_of(const text::Json& frame);

}  // namespace weir::cli
