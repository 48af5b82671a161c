#include "pipeline/refusal_search.h"

#include <algorithm>

namespace weir::pipeline {
namespace {

/// What is known of the rows that are left.
class Search {
 public:
  Search(uint64_t rows, uint64_t first) : rows_(rows), width_(std::max<uint64_t>(first, 1)) {
    aim();
  }

  bool over() const { return at_ == rows_; }
  uint64_t begin() const { return at_; }
  uint64_t end() const { return end_; }
  bool alone() const { return end_ - at_ == 1; }
  uint64_t taken() const { return taken_; }

  void take() {
    taken_ += end_ - at_;
    since_refused_ += end_ - at_;
    // As long as all goes well, twice as many at a time.
    width_ = std::max(width_, 2 * (end_ - at_));
    at_ = end_;
    aim();
  }

  /// More than one row.
  void suspect(std::optional<uint64_t> named) {
    suspect_end_ = end_;
    const bool told = named && *named >= at_ && *named < end_;
    if (told) suspect_end_ = *named + 1;
    aim();
    // What stands before the row that is named is probably good.
    if (told) end_ = std::max(*named, at_ + 1);
  }

  void leave_out() {
    ++at_;
    suspect_end_ = 0;
    // Where refused rows are dense, few at a time.
    width_ = std::max<uint64_t>(since_refused_, 1);
    since_refused_ = 0;
    aim();
  }

 private:
  void aim() {
    const bool suspects = suspect_end_ > at_;
    const uint64_t half = suspects ? (suspect_end_ - at_ + 1) / 2 : width_;
    end_ = at_ + std::min(half, rows_ - at_);
  }

  const uint64_t rows_;
  uint64_t at_ = 0;
  uint64_t end_ = 0;          // of the next offer
  uint64_t suspect_end_ = 0;  // beyond at_: some row before it will be refused
  uint64_t width_;            // where nothing is suspected
  uint64_t since_refused_ = 0;
  uint64_t taken_ = 0;
};

}  // namespace

Result<uint64_t> find_refused_rows(uint64_t rows, uint64_t first, const OfferRows& offer,
                                   const RowRefused& refused) {
  Search search(rows, first);
  while (!search.over()) {
    const OfferAnswer answer = WEIR_TRY(offer(search.begin(), search.end()));
    if (answer.taken) {
      search.take();
    } else if (!search.alone()) {
      search.suspect(answer.named);
    } else {
      if (!WEIR_TRY(refused(search.begin()))) break;
      search.leave_out();
    }
  }
  return search.taken();
}

}  // namespace weir::pipeline
