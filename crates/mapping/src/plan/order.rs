//! In which order rules run that read one another's results.

/// An order in which each comes after those it needs, or a ring of some that need one another.
///
/// `needs[n]` lists what the rule of number `n` needs. What needs nothing keeps its place.
pub(super) fn order(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut done = vec![false; needs.len()];
    let mut order = Vec::with_capacity(needs.len());
    let mut waiting: Vec<usize> = (0..needs.len()).collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|rule| {
            let ready = needs[*rule].iter().all(|needed| done[*needed]);
            if ready {
                done[*rule] = true;
                order.push(*rule);
            }
            !ready
        });
        if waiting.len() == before {
            return Err(ring(needs, &done, waiting[0]));
        }
    }
    Ok(order)
}

/// Follows one need after the other from `start` until a rule comes up again; the ring begins there.
fn ring(needs: &[Vec<usize>], done: &[bool], start: usize) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut rule = start;
    loop {
        if let Some(begin) = path.iter().position(|seen| *seen == rule) {
            return path.split_off(begin);
        }
        path.push(rule);
        match needs[rule].iter().find(|needed| !done[**needed]) {
            Some(next) => rule = *next,
            None => return path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn each_comes_after_what_it_needs() {
        type Row = (
            &'static [&'static [usize]],
            Result<&'static [usize], &'static [usize]>,
        );
        let rows: [Row; 6] = [
            (&[], Ok(&[])),
            (&[&[], &[], &[]], Ok(&[0, 1, 2])),
            (&[&[2], &[], &[1]], Ok(&[1, 2, 0])),
            (&[&[1], &[0]], Err(&[0, 1])),
            (&[&[0]], Err(&[0])),
            (&[&[1], &[2], &[3], &[1]], Err(&[1, 2, 3])),
        ];
        for (needs, expected) in rows {
            let needs: Vec<Vec<usize>> = needs.iter().map(|n| n.to_vec()).collect();
            let expected = expected.map(<[usize]>::to_vec).map_err(<[usize]>::to_vec);
            assert_eq!(order(&needs), expected, "{needs:?}");
        }
    }
}
