#include <mutex>

#include "duckdb/copy_rows.h"
#include "pipeline/query_origin.h"
#include "pipeline/row_query.h"
#include "pipeline/run_variables.h"

namespace weir::pipeline {
namespace {

class DuckdbOrigin final : public QueryOrigin {
 public:
  DuckdbOrigin(Databases& databases, const SqlStep& step, const Pipeline& pipeline)
      : databases_(databases), step_(step), pipeline_(pipeline) {}

  Result<std::vector<duckdb::ResultColumn>> describe() override {
    const auto database = WEIR_TRY(databases_.open_with_tables(step_.database));
    const auto connection = WEIR_TRY(database->connect());
    auto columns = connection->describe(sql_source(step_));
    if (!columns) return fail(explain(std::move(columns).error()));
    columns->pop_back();  // the rows' number
    return columns;
  }

  Result<void> copy(duckdb::Connection& to, const std::string& table, Timestamp scheduled_for,
                    const std::atomic<bool>& stop) override {
    const auto database = WEIR_TRY(databases_.open_with_tables(step_.database));
    const auto connection = WEIR_TRY(database->connect());
    const Work work(*this, *connection);
    using Access = duckdb::Transaction::Access;
    const auto transaction = WEIR_TRY(duckdb::Transaction::begin(*connection, Access::read_only));
    const auto query = WEIR_TRY(connection->prepare(bind_run_variables(sql_source(step_))));
    const auto parameters = WEIR_TRY(run_parameters(*query, pipeline_, scheduled_for));
    auto copied = duckdb::copy_rows(*query, parameters, to, table, [&] { return !stop; });
    if (!copied) return fail(explain(std::move(copied).error()));
    return {};
  }

  void interrupt() override {
    const std::lock_guard lock(mutex_);
    if (at_work_ != nullptr) at_work_->interrupt();
  }

 private:
  /// A connection that interrupt() may end the work of.
  class Work {
   public:
    Work(DuckdbOrigin& origin, duckdb::Connection& connection) : origin_(origin) {
      const std::lock_guard lock(origin_.mutex_);
      origin_.at_work_ = &connection;
    }
    ~Work() {
      const std::lock_guard lock(origin_.mutex_);
      origin_.at_work_ = nullptr;
    }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

   private:
    DuckdbOrigin& origin_;
  };

  Error explain(Error error) const {
    if (error.location.line == 0) error.location = step_.sql.location;
    return error;
  }

  Databases& databases_;
  const SqlStep& step_;
  const Pipeline& pipeline_;
  std::mutex mutex_;
  duckdb::Connection* at_work_ = nullptr;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<QueryOrigin> duckdb_origin(Databases& databases, const SqlStep& step,
                                           const Pipeline& pipeline) {
  return std::make_unique<DuckdbOrigin>(databases, step, pipeline);
}

}  // namespace weir::pipeline
