-- Views over what people said; made anew by every run, as all views. Places are ranks without ties (see views.sql).

-- What each rater says now of each aspect of each post, by each text of a rubric: the latest score, unless it was taken
-- back. `rubric_id`: the text; null where it is not known, which is another question than any that is.
CREATE OR REPLACE VIEW latest_ratings AS
SELECT * FROM (
    SELECT * FROM ratings
    QUALIFY rank() OVER (PARTITION BY post_id, rater, rubric, rubric_id, aspect ORDER BY created_at DESC, rating_id) = 1
) WHERE score IS NOT NULL;

-- What each rater said before the judge's view was shown: the latest of those scores. It stands even where the rater
-- changed or took it back afterwards, since only changes made after seeing the judge would be left out otherwise, and
-- that would make people look closer to the judge than they are.
CREATE OR REPLACE VIEW blind_ratings AS
SELECT * FROM ratings WHERE NOT saw_judge AND score IS NOT NULL
QUALIFY rank() OVER (PARTITION BY post_id, rater, rubric, rubric_id, aspect ORDER BY created_at DESC, rating_id) = 1;

-- What each rater decided on each post, unless it was taken back.
CREATE OR REPLACE VIEW latest_reviews AS
SELECT * FROM (
    SELECT * FROM reviews QUALIFY rank() OVER (PARTITION BY post_id, rater ORDER BY created_at DESC, review_id) = 1
) WHERE decision <> 'withdraw';

-- One row per post that anybody decided on: approved, edited, rejected or, where raters are of two minds, contested.
-- `text` and `alt_text` are what would be published: with the latest edit.
CREATE OR REPLACE VIEW reviewed_posts AS
WITH said AS (
    SELECT post_id, count(*) AS raters, count(*) FILTER (decision = 'reject') AS against,
           count(*) FILTER (decision = 'edit') AS edits, max(created_at) AS decided_at,
           list(DISTINCT rater ORDER BY rater) AS decided_by,
           list(reason ORDER BY created_at, rater) FILTER (reason IS NOT NULL) AS reasons,
           arg_max(text, (created_at, rater)) FILTER (decision = 'edit' AND text IS NOT NULL) AS edited_text,
           arg_max(alt_text, (created_at, rater)) FILTER (decision = 'edit' AND alt_text IS NOT NULL) AS edited_alt_text
    FROM latest_reviews GROUP BY post_id
)
SELECT s.post_id, p.prompt_id, p.platform,
       CASE WHEN against = raters THEN 'rejected' WHEN against > 0 THEN 'contested'
            WHEN edits > 0 THEN 'edited' ELSE 'approved' END AS state,
       coalesce(edited_text, p.text) AS text, coalesce(edited_alt_text, p.alt_text) AS alt_text, p.text AS original,
       raters, decided_by, reasons, decided_at
FROM said s JOIN posts p USING (post_id);

-- A judge's score of an aspect as it is, and as people would have scored it: by the newest map from one to the other
-- that `postwright ratings calibrate` stored (evaluations, metric `isotonic`; linear between its points, flat outside).
-- `calibrated` is null where there is no map. `people`: the mean of the blind ratings of this very post. Both are of
-- ratings by the very text of the rubric that the judge went by.
CREATE OR REPLACE VIEW calibrated_scores AS
WITH judges AS (
    SELECT spec_id, left(sha256(params->>'$.rubric_text'), 20) AS rubric_id FROM specs WHERE step = 'judge_posts'
),
maps AS (
    SELECT spec_id, task AS aspect, detail::JSON AS detail, created_at
    FROM evaluations e JOIN judges j USING (spec_id)
    WHERE subject = 'people' AND metric = 'isotonic' AND detail::JSON->>'$.rubric_id' = j.rubric_id
    QUALIFY rank() OVER (PARTITION BY spec_id, task ORDER BY created_at DESC, evaluation_id) = 1
),
knots AS (
    SELECT spec_id, aspect, (detail->'$.judge')::DOUBLE[] AS xs, (detail->'$.people')::DOUBLE[] AS ys, created_at
    FROM maps
),
raw AS (
    SELECT post_id, judge_spec_id, unnest(map_keys(aspects)) AS aspect, unnest(map_values(aspects)) AS score
    FROM post_scores
),
people AS (
    SELECT post_id, rubric_id, aspect, round(avg(score), 6) AS people, count(*) AS raters FROM blind_ratings
    WHERE rubric_id IS NOT NULL GROUP BY ALL
),
told AS (
    SELECT r.*, k.xs, k.ys, len(list_filter(k.xs, lambda x : x <= r.score)) AS below, k.created_at AS calibrated_at
    FROM raw r LEFT JOIN knots k ON k.spec_id = r.judge_spec_id AND k.aspect = r.aspect
)
SELECT t.post_id, t.judge_spec_id, t.aspect, t.score,
       round(CASE WHEN xs IS NULL OR t.score IS NULL THEN NULL WHEN below = 0 THEN ys[1] WHEN below = len(xs) THEN ys[below]
                  ELSE ys[below] + (t.score - xs[below]) / (xs[below + 1] - xs[below]) * (ys[below + 1] - ys[below]) END, 6) AS calibrated,
       p.people, p.raters, t.calibrated_at
FROM told t
LEFT JOIN judges s ON s.spec_id = t.judge_spec_id
LEFT JOIN people p ON p.post_id = t.post_id AND p.aspect = t.aspect AND p.rubric_id = s.rubric_id;
