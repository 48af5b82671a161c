#include "cases/run_cases.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>

#include "base/edit_distance.h"
#include "cases/run_case.h"
#include "cases/scratch_folder.h"

namespace weir::cases {
namespace {

/// Less than this DuckDB does little with.
constexpr uint64_t least_memory_bytes = 128'000'000;

class Runner {
 public:
  Runner(const Project& project, const std::vector<const TestCase*>& tests,
         const RunCasesOptions& options, const ScratchFolder& folder)
      : project_(project),
        tests_(tests),
        options_(options),
        folder_(folder),
        results_(tests.size()) {}

  std::vector<CaseResult> run() {
    const size_t jobs = std::clamp<size_t>(options_.jobs, 1, std::max<size_t>(tests_.size(), 1));
    memory_bytes_ = std::max(project_.memory_bytes / jobs, least_memory_bytes);
    std::vector<std::thread> threads;
    for (size_t i = 1; i < jobs; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    std::vector<CaseResult> done;
    for (auto& result : results_) {
      if (result) done.push_back(*std::move(result));
    }
    return done;
  }

 private:
  void work() {
    for (size_t i = next_++; i < tests_.size(); i = next_++) {
      if (options_.stop != nullptr && *options_.stop) return;
      const auto folder = folder_.path() / std::to_string(i + 1);
      CaseResult result = run_case(project_, *tests_[i], {folder, memory_bytes_});
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
      const std::lock_guard lock(mutex_);
      results_[i] = std::move(result);
      for (; told_ < results_.size() && results_[told_]; ++told_) options_.done(*results_[told_]);
    }
  }

  const Project& project_;
  const std::vector<const TestCase*>& tests_;
  const RunCasesOptions& options_;
  const ScratchFolder& folder_;
  uint64_t memory_bytes_ = 0;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::vector<std::optional<CaseResult>> results_;  // guarded by mutex_
  size_t told_ = 0;                                 // likewise
};

}  // namespace

Result<std::vector<const TestCase*>> chosen_tests(const Project& project,
                                                  const std::vector<std::string>& names) {
  if (project.tests.empty()) {
    return fail(ErrorCode::usage, "the project has no tests",
                "write them under tests: in weir.yaml; docs/guide/testing.md shows how");
  }
  std::vector<bool> chosen(project.tests.size(), names.empty());
  for (const std::string& name : names) {
    bool exact = false, any = false;
    for (const TestCase& test : project.tests) exact = exact || test.name == name;
    for (size_t i = 0; i < chosen.size(); ++i) {
      const std::string& each = project.tests[i].name;
      if (exact ? each != name : each.find(name) == std::string::npos) continue;
      chosen[i] = any = true;
    }
    if (any) continue;
    std::vector<std::string_view> known;
    std::string all;
    for (const TestCase& test : project.tests) {
      known.push_back(test.name);
      all += (all.empty() ? "" : ", ") + test.name;
    }
    const auto near = nearest(name, known);
    return fail(ErrorCode::usage, "there is no test '" + name + "'",
                near ? "did you mean '" + std::string(*near) + "'?" : "the project has: " + all);
  }
  std::vector<const TestCase*> tests;
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i]) tests.push_back(&project.tests[i]);
  }
  return tests;
}

Result<std::vector<CaseResult>> run_cases(const Project& project,
                                          const std::vector<const TestCase*>& tests,
                                          const RunCasesOptions& options) {
  const auto folder = WEIR_TRY(ScratchFolder::make());
  return Runner(project, tests, options, *folder).run();
}

}  // namespace weir::cases
