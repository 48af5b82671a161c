#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "mysql/row_text.h"

namespace weir::mysql {
namespace {

constexpr size_t rows = 2048;

server::TextCell cell_of(const std::string& text) {
  server::TextCell cell;
  cell.length = static_cast<uint32_t>(text.size());
  if (text.size() <= sizeof cell.inlined) {
    std::memcpy(cell.inlined, text.data(), text.size());
  } else {
    const char* data = text.data();
    std::memcpy(cell.inlined, data, 4);
    std::memcpy(cell.inlined + 4, &data, sizeof data);
  }
  return cell;
}

/// A bigint, a name of 10 to 20 letters, a timestamp with microseconds, two smallints.
void BM_EmployeeRows(benchmark::State& state) {
  const std::vector<RowColumn> columns = {{"id", parse_data_type("bigint").value()},
                                          {"name", parse_data_type("varchar").value()},
                                          {"hired", parse_data_type("timestamp").value()},
                                          {"department", parse_data_type("smallint").value()},
                                          {"job", parse_data_type("smallint").value()}};
  std::vector<int64_t> ids;
  std::vector<std::string> texts;
  std::vector<int64_t> moments;
  std::vector<int16_t> departments;
  std::vector<int16_t> jobs;
  for (size_t i = 0; i < rows; ++i) {
    ids.push_back(static_cast<int64_t>(1'000'000 + i * 977));
    texts.push_back("Employee " + std::to_string(i) + std::string(i % 7, 'x'));
    moments.push_back(1'609'459'200'000'000 + static_cast<int64_t>(i) * 977'123'457);
    departments.push_back(static_cast<int16_t>(i % 12));
    jobs.push_back(static_cast<int16_t>(i % 183));
  }
  std::vector<server::TextCell> names;
  for (const std::string& text : texts) names.push_back(cell_of(text));
  const server::ColumnView views[] = {{&columns[0].type, ids.data(), nullptr, nullptr},
                                      {&columns[1].type, names.data(), nullptr, nullptr},
                                      {&columns[2].type, moments.data(), nullptr, nullptr},
                                      {&columns[3].type, departments.data(), nullptr, nullptr},
                                      {&columns[4].type, jobs.data(), nullptr, nullptr}};
  const auto form = static_cast<RowForm>(state.range(0));
  RowText text(columns, form);
  TextBuffer out;
  size_t bytes = 0;
  for (auto _ : state) {
    out.clear();
    if (!text.append({rows, views}, 0, {SIZE_MAX, SIZE_MAX}, out)) state.SkipWithError("refused");
    bytes += out.size();
    benchmark::DoNotOptimize(out.view().data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * rows));
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(BM_EmployeeRows)
    ->Arg(static_cast<int>(RowForm::lines))
    ->Arg(static_cast<int>(RowForm::tuples));

}  // namespace
}  // namespace weir::mysql
