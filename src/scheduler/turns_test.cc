#include "scheduler/turns.h"

#include <gmock/gmock.h>

namespace weir::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const PipelineName p("p"), q("q"), r("r");
const DatabaseName db("db"), other("other");

TEST(Turns, a_pipeline_has_as_many_as_its_rules_say) {
  DispatchRules rules;
  rules.pipelines[p].concurrency = 2;
  Turns turns(rules);
  turns.begin(p);
  EXPECT_THAT(turns.full_pipelines(), IsEmpty());
  turns.begin(p);
  turns.begin(q);  // not in the project any more: one at a time
  EXPECT_THAT(turns.full_pipelines(), ElementsAre(p, q));
  turns.end(p);
  EXPECT_THAT(turns.full_pipelines(), ElementsAre(q));
  turns.end(q);
  turns.end(p);
  EXPECT_THAT(turns.full_pipelines(), IsEmpty());
}

TEST(Turns, a_database_has_as_many_as_its_limit_says) {
  DispatchRules rules;
  rules.pipelines[p].databases = {db};
  rules.pipelines[q].databases = {db, other};
  rules.pipelines[r].databases = {other};
  rules.max_runs[db] = 2;
  Turns turns(rules);
  turns.begin(p);
  turns.begin(r);
  EXPECT_THAT(turns.closed_databases(), IsEmpty());
  turns.begin(q);
  EXPECT_THAT(turns.closed_databases(), ElementsAre(db));
  turns.end(p);
  EXPECT_THAT(turns.closed_databases(), IsEmpty());
}

TEST(Turns, none_begin_in_a_database_that_is_down) {
  DispatchRules rules;
  rules.max_runs[db] = 1;
  rules.pipelines[p].databases = {db};
  Turns turns(rules);
  turns.set_down(db);
  turns.set_down(other);
  turns.begin(p);  // was leased before
  turns.set_up(other);
  EXPECT_THAT(turns.closed_databases(), ElementsAre(db));
  turns.set_up(db);
  EXPECT_THAT(turns.closed_databases(), ElementsAre(db));  // its limit
  turns.end(p);
  EXPECT_THAT(turns.closed_databases(), IsEmpty());
}

}  // namespace
}  // namespace weir::scheduler
