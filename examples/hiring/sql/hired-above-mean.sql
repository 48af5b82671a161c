-- The departments that hired more than the mean of all of them, from $since until before $until.
WITH hired AS (
  SELECT d.id, d.department, count(e.id) AS hired
    FROM departments AS d
    LEFT JOIN hired_employees AS e
      ON e.department_id = d.id AND e.datetime >= $since AND e.datetime < $until
   GROUP BY d.id, d.department)
SELECT id, department, hired
  FROM hired
 WHERE hired > (SELECT avg(hired) FROM hired)
 ORDER BY hired DESC, id
