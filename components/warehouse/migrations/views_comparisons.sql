-- Views over comparisons; made anew by every run, after those of views.sql. components/pairwise/verdicts.py says the same
-- in Python, for designs and for whoever has rows in hand; a test holds the two together.

-- One row per pair, judge and aspect: both orders together. A reading counts for the post that it prefers in both orders;
-- where the orders disagree it is a tie (`inconsistent`), and where one of them failed it is `incomplete` and counts for
-- nobody. `verdict` is that of most readings: a, b, tie, or incomplete where no reading has both orders. `points_a` is
-- the mean over readings of 1 for a, 1/2 for a tie, 0 for b. `asked` is false where the texts are the same, a tie for
-- which nothing was bought. A call that failed first and succeeded later counts as the success.
CREATE OR REPLACE VIEW pair_verdicts AS
WITH readings AS (
    SELECT post_a, post_b, spec_id, aspect, repeat,
           max(verdict) FILTER (shown_first = 'a') AS when_a_first,
           max(verdict) FILTER (shown_first = 'b') AS when_b_first,
           bool_or(call_key IS NOT NULL OR error IS NOT NULL) AS asked,
           CASE WHEN count(*) = count(cost_usd) THEN sum(cost_usd) END AS cost_usd
    FROM comparisons GROUP BY ALL
),
points AS (
    SELECT *, CASE WHEN when_a_first IS NULL OR when_b_first IS NULL THEN NULL
                   WHEN when_a_first <> when_b_first OR when_a_first = 'tie' THEN 0.5
                   WHEN when_a_first = 'a' THEN 1.0 ELSE 0.0 END AS points_a
    FROM readings
),
pairs AS (
    SELECT post_a, post_b, spec_id, aspect, round(avg(points_a), 6) AS points_a, count(points_a) AS readings,
           count(*) FILTER (points_a IS NOT NULL AND when_a_first <> when_b_first) AS inconsistent,
           count(*) FILTER (points_a IS NULL) AS incomplete, bool_or(asked) AS asked,
           CASE WHEN count(*) = count(cost_usd) THEN round(sum(cost_usd), 9) END AS cost_usd
    FROM points GROUP BY ALL
)
SELECT i.dataset, pr.item_id, v.post_a, v.post_b, v.spec_id AS judge_spec_id, v.aspect,
       CASE WHEN v.points_a IS NULL THEN 'incomplete'
            WHEN v.points_a > 0.5 THEN 'a' WHEN v.points_a < 0.5 THEN 'b' ELSE 'tie' END AS verdict,
       v.points_a, v.readings, v.inconsistent, v.incomplete, v.asked, v.cost_usd
FROM pairs v
JOIN posts po ON po.post_id = v.post_a
JOIN prompts pr ON pr.prompt_id = po.prompt_id
JOIN items i USING (item_id);
