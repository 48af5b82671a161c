-- How many were hired for each job and department in each quarter of $year (in UTC).
SELECT d.department, j.job,
       count(CASE WHEN e.quarter = 1 THEN 1 END) AS q1,
       count(CASE WHEN e.quarter = 2 THEN 1 END) AS q2,
       count(CASE WHEN e.quarter = 3 THEN 1 END) AS q3,
       count(CASE WHEN e.quarter = 4 THEN 1 END) AS q4
  FROM (SELECT department_id, job_id, extract(quarter FROM datetime AT TIME ZONE 'UTC') AS quarter
          FROM hired_employees
         WHERE extract(year FROM datetime AT TIME ZONE 'UTC') = $year) AS e
  JOIN departments AS d ON d.id = e.department_id
  JOIN jobs AS j ON j.id = e.job_id
 GROUP BY d.department, j.job
 ORDER BY d.department, j.job
