#include "cases/scratch_project.h"

#include <string>
#include <type_traits>

namespace weir::cases {
namespace {

/// Steps that work on rows, and no others: a new kind of step is left out until it is named here.
template <class Kind>
constexpr bool works_on_rows =
    std::is_same_v<Kind, ReadStep> || std::is_same_v<Kind, SelectStep> ||
    std::is_same_v<Kind, WhereStep> || std::is_same_v<Kind, UnnestStep> ||
    std::is_same_v<Kind, DedupeStep> || std::is_same_v<Kind, AggregateStep> ||
    std::is_same_v<Kind, CheckStep> || std::is_same_v<Kind, SqlStep> ||
    std::is_same_v<Kind, LoadStep>;

bool reaches_outside(const Step& step) {
  if (const auto* later = std::get_if<LaterStep>(&step)) {
    return later->kind == "download" || later->kind == "notify";  // others are refused by the run
  }
  return std::visit([](const auto& each) { return !works_on_rows<std::decay_t<decltype(each)>>; },
                    step);
}

}  // namespace

Project scratch_project(const Project& project, const std::filesystem::path& folder,
                        uint64_t memory_bytes) {
  Project scratch = project;
  scratch.root = folder;
  scratch.environment = "test";
  scratch.memory_bytes = memory_bytes;
  scratch.tests.clear();
  for (Pipeline& pipeline : scratch.pipelines) {
    std::erase_if(pipeline.steps, reaches_outside);
    for (Step& step : pipeline.steps) {
      auto* sql = std::get_if<SqlStep>(&step);
      if (sql != nullptr && sql->duckdb) sql->sql = *sql->duckdb;
    }
  }
  for (DatabaseConfig& database : scratch.databases) {
    database.engine = Engine::duckdb;
    database.url = "duckdb://:memory:";
    database.path.clear();
  }
  for (BucketConfig& bucket : scratch.buckets) {
    bucket.kind = BucketKind::file;
    bucket.path = folder / "buckets" / bucket.name.value();
    bucket.url = "file://" + bucket.path.string();
  }
  return scratch;
}

}  // namespace weir::cases
