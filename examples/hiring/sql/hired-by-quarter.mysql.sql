-- The same for MySQL and MariaDB, where moments are kept in UTC and have no zone.
SELECT d.department, j.job,
       count(CASE WHEN e.quarter = 1 THEN 1 END) AS q1,
       count(CASE WHEN e.quarter = 2 THEN 1 END) AS q2,
       count(CASE WHEN e.quarter = 3 THEN 1 END) AS q3,
       count(CASE WHEN e.quarter = 4 THEN 1 END) AS q4
  FROM (SELECT department_id, job_id, extract(QUARTER FROM datetime) AS quarter
          FROM hired_employees
         WHERE extract(YEAR FROM datetime) = $year) AS e
  JOIN departments AS d ON d.id = e.department_id
  JOIN jobs AS j ON j.id = e.job_id
 GROUP BY d.department, j.job
 ORDER BY d.department, j.job
