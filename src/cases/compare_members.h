#pragma once

#include <span>
#include <vector>

#include "cases/case_result.h"
#include "cases/text_rows.h"
#include "model/test_case.h"

namespace weir::cases {

/// What things of one kind have, in the order in which it is shown.
using MemberNames = std::span<const char* const>;

/// Pairs what is listed with what was found, in any order, so that as many as can have a partner:
/// one that has every member that is named. `found` has a cell for each of `names`; the difference
/// shows the members that the list names or, when it is empty, the `usual` ones. Its `of` and
/// `location` are the caller's.
RowsDifference compare_members(const std::vector<ExpectedMembers>& listed,
                               const std::vector<TextRow>& found, const MemberNames& names,
                               const std::vector<bool>& usual);

}  // namespace weir::cases
